"""What a file name says that the file holds: a T1-weighted head, another contrast, a label map, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What may be trained on together."""

    T1 = auto()
    UNKNOWN = auto()
    STRUCTURAL = auto()
    LABELS = auto()
    OTHER = auto()


@dataclass(frozen=True)
class Content:
    """What a name says.

    Attributes:
        kind: whether it may be trained on beside T1-weighted heads.
        modality: in a word or two, "" where the name does not tell.
    """

    kind: Kind
    modality: str


UNKNOWN = Content(Kind.UNKNOWN, "")


def _words(kind: Kind, modality: str, words: str) -> dict[str, Content]:
    return {word: Content(kind, modality) for word in words.split()}


_LABELS = _words(
    Kind.LABELS, "label map",
    "mask masks seg dseg fseg pveseg firstseg probseg segm segmentation label labels labelmap parcellation parc aseg "
    "aparc wmparc ribbon brainmask lesionmask pve pve0 pve1 pve2 probmap",
)  # fmt: skip
_ANYWHERE = _LABELS | _words(Kind.OTHER, "transformation", "warp xfm warpfield jacobian deformation")
_LABELS_UNLESS_FIRST = _words(
    Kind.LABELS, "label map", "gm wm csf atlas lesion lesions roi rois prob probability maxprob"
)
"""A name may begin so for another reason, as with a person's initials."""
_CONTRASTS = (
    _words(Kind.T1, "T1w", "t1 t1w t1n mprage mpr bravo spgr fspgr unit1 t1wdefaced")
    | _words(Kind.STRUCTURAL, "T1w with contrast agent", "t1c t1ce t1gd t1post")
    | _words(Kind.STRUCTURAL, "T2w", "t2 t2w")
    | _words(Kind.STRUCTURAL, "FLAIR", "flair t2f")
    | _words(Kind.STRUCTURAL, "PDw", "pdw")
    | _words(Kind.STRUCTURAL, "T2starw", "t2star t2starw swi")
    | _words(Kind.STRUCTURAL, "two contrasts in one", "pdt2 t1wdividedbyt2w")
    | _words(Kind.OTHER, "diffusion", "dwi dti adc tracew colfa sbref")
    | _words(Kind.OTHER, "functional", "bold fmri rfmri tfmri cbv")
    | _words(Kind.OTHER, "perfusion", "asl m0scan perf cbf cbfmap")
    | _words(
        Kind.OTHER, "field map", "epi fieldmap phasediff phase1 phase2 magnitude magnitude1 magnitude2 b0map tb1map"
    )
    | _words(Kind.OTHER, "parameter map", "t1map t2map t2starmap r1map r2map r2starmap mtsat mtr chimap biasfield")
    | _words(Kind.OTHER, "angiography", "angio mra tof")
    | _words(Kind.OTHER, "localiser", "localizer localiser scout survey")
    | _words(Kind.OTHER, "PET", "pet fdg av45 pib")
)
_CONTRASTS_AFTER_A_KNOWN_SUBJECT = _words(Kind.STRUCTURAL, "PDw", "pd") | _words(Kind.OTHER, "diffusion", "fa md rd")
"""Elsewhere PD is Parkinson's disease and the others are initials."""
_TARGET = frozenset({"to", "2", "space", "onto"})
"""What follows names the space that a scan was brought to."""
_LABEL_FOLDERS = re.compile(r"^(masks?|labels?(tr|ts)?|segs?|segmentations?|lesion_masks|rois)$")
_OTHER_FOLDERS = re.compile(r"^(func|dwi|fmap|perf|pet|meg|eeg|nirs|xfms|(?:rest|dti|func|bold)_\d+)$")
_TISSUE_MAP = re.compile(r"^(?:s\d?)?(?:m0?)?w?r?[cp][0-6](?=sub-)|^i?y_(?=sub-)|^(?:s\d?)?w?j_?(?=sub-)")
"""What SPM and CAT12 put before the name of the scan that they segmented."""


def content_of(
    folders: Sequence[str], name: str, *, bids: bool, subject_end: int = 0, subject_above: bool = False
) -> Content:
    """Read a name.

    Args:
        folders: between root and file.
        name: without its ending.
        bids: whether it holds the entity `sub-`, so that its last word is its suffix.
        subject_end: where in `name` the subject of a published scheme ends, 0 where there is none.
        subject_above: whether a folder names the subject, so that `name` tells nothing else than what the file holds.
    """
    folder = folders[-1].lower() if folders else ""
    if _LABEL_FOLDERS.match(folder) or _TISSUE_MAP.match(name):
        return Content(Kind.LABELS, "label map")
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name[subject_end:].lower()) if word]
    if bids:
        suffix = name.rpartition("_")[2].lower()
        said = (_ANYWHERE | _LABELS_UNLESS_FIRST | _CONTRASTS | _CONTRASTS_AFTER_A_KNOWN_SUBJECT).get(suffix, UNKNOWN)
    else:
        said = _first_said(words, known_subject=subject_above or subject_end > 0)
    if said is UNKNOWN and (match := _OTHER_FOLDERS.match(folder)):
        return Content(Kind.OTHER, match.group(1))
    return said


def _first_said(words: Sequence[str], *, known_subject: bool) -> Content:
    for index, word in enumerate(words):
        if word in _ANYWHERE:
            return _ANYWHERE[word]
        if word in _LABELS_UNLESS_FIRST and (index or known_subject or len(words) == 1):
            return _LABELS_UNLESS_FIRST[word]
    contrasts = _CONTRASTS | (_CONTRASTS_AFTER_A_KNOWN_SUBJECT if known_subject else {})
    for word in words:
        if word in _TARGET:
            break
        if word in contrasts:
            return contrasts[word]
    return UNKNOWN
