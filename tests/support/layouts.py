"""Small cohorts in the layouts that exist, of the real MNI152 head, with names and folders as they are published."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nibabel
import numpy as np

from neuromf.data.index.contrast import coarse
from neuromf.data.template import load_template

STEP_MM = 4.0
BRIGHTNESS = {"pd": (0.95, 0.75, 0.9), "flair": (0.9, 0.7, 0.12), "alike": (0.83, 0.83, 0.15)}
"""Of grey matter, white matter and fluid in other contrasts; T1 and T2 stand below."""
AFFINE = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])


@cache
def tissues() -> dict[str, np.ndarray]:
    """The template's T1 image and tissue maps at 4 mm, and what is made of them."""
    template = load_template()
    maps = {name: coarse(getattr(template, name), template.affine, STEP_MM) for name in ("t1", "grey", "white")}
    brain = maps["t1"] > 0.1
    fluid = np.clip(brain - maps["grey"] - maps["white"], 0, 1)
    labels = np.where(brain, 1 + np.argmax([maps["grey"], maps["white"], fluid], axis=0), 0)
    t2 = np.where(brain, 0.5 * maps["grey"] + 0.35 * maps["white"] + fluid, 0)
    other = {kind: np.where(brain, sum(light * part for light, part in zip(of, (maps["grey"], maps["white"], fluid),
                                                                          strict=True)), 0)
             for kind, of in BRIGHTNESS.items()}  # fmt: skip
    return {"t1": maps["t1"], "t2": t2, **other, "labels": labels.astype(np.uint8), "mask": brain.astype(np.uint8)}


def head(number: int, kind: str = "t1") -> np.ndarray:
    """int16 voxels of head `number`: no two have the same."""
    noise = np.random.default_rng(number).normal(0, 10, tissues()[kind].shape)
    return np.clip(1000 * tissues()[kind] + noise * (tissues()["mask"] > 0), 0, None).astype(np.int16)


def save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    """Write a NIfTI file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(data, affine), path)
    return path


def scans(root: Path, *names: str, first: int = 0, kind: str = "t1") -> None:
    """A head of its own under each name, below the root and without the ending."""
    for number, name in enumerate(names, start=first):
        save(root / f"{name}.nii.gz", head(number, kind))


def fomo(root: Path) -> Path:
    """FOMO-60K: two data sets that each count subjects from 1, repeats, other sequences, one table for all."""
    scans(root, "PT001_OASIS1/sub_1/ses_1/t1", "PT001_OASIS1/sub_1/ses_1/t1_2", "PT001_OASIS1/sub_1/ses_2/t1",
          "PT001_OASIS1/sub_2/ses_1/t1", "PT005_IXI/sub_1/ses_1/t1")  # fmt: skip
    scans(root, "PT005_IXI/sub_1/ses_1/t2", "PT005_IXI/sub_1/ses_1/pd", first=5, kind="t2")
    rows = ["dataset\tparticipant_id\tsession_id\tsex\tage\thandedness\tgroup",
            "PT001_OASIS1\tsub_1\tses_1\tF\t74\tR\tnondemented", "PT001_OASIS1\tsub_1\tses_2\tF\t75\tR\tnondemented",
            "PT001_OASIS1\tsub_2\tses_1\tM\t17\tR\t", "PT005_IXI\tsub_1\tses_1\tM\t35\t\tControl"]  # fmt: skip
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    return root


def oasis(root: Path) -> Path:
    """OASIS-1 as it unpacks: raw repeats, and derived volumes and tissue maps below PROCESSED and FSL_SEG."""
    for visit, first in (("OAS1_0001_MR1", 40), ("OAS1_0001_MR2", 43), ("OAS1_0002_MR1", 46)):
        scans(root, f"disc1/{visit}/RAW/{visit}_mpr-1_anon", f"disc1/{visit}/RAW/{visit}_mpr-2_anon", first=first)
        labels = f"disc1/{visit}/FSL_SEG/{visit}_mpr_n4_anon_111_t88_masked_gfc_fseg.nii.gz"
        save(root / labels, tissues()["labels"])
    return root


def ixi(root: Path) -> Path:
    """IXI: a folder a contrast, the site and a number after the subject."""
    scans(root, "IXI-T1/IXI002-Guys-0828-T1", "IXI-T1/IXI012-HH-1211-T1")
    scans(root, "IXI-T2/IXI002-Guys-0828-T2", "IXI-PD/IXI002-Guys-0828-PD", first=2, kind="t2")
    return root


def bids(root: Path) -> Path:
    """BIDS, raw beside derivatives: sessions, runs, acquisitions, a localiser, a series, other contrasts."""
    scans(root, "sub-01/ses-pre/anat/sub-01_ses-pre_acq-mprage_run-1_T1w",
          "sub-01/ses-pre/anat/sub-01_ses-pre_acq-mprage_run-2_T1w",
          "sub-01/ses-post/anat/sub-01_ses-post_T1w", "sub-02/anat/sub-02_T1w")  # fmt: skip
    scans(root, "sub-02/anat/sub-02_T2w", "sub-02/anat/sub-02_FLAIR", first=4, kind="t2")
    save(root / "sub-02/func/sub-02_task-rest_bold.nii.gz", np.stack([head(6), head(7)], axis=-1))
    derived(root / "derivatives" / "fmriprep")
    (root / "participants.tsv").write_text(
        "participant_id\tage\tdiagnosis\nsub-01\t40\tpatient\nsub-02\tn/a\tcontrol\n"
    )
    (root / "dataset_description.json").write_text('{"Name": "test", "BIDSVersion": "1.9.0"}')
    return root


def derived(root: Path) -> Path:
    """BIDS derivatives: one head in two spaces, its mask, tissue classes, and probabilities."""
    for number, subject in enumerate(("sub-01", "sub-02"), start=20):
        stem = f"{subject}/anat/{subject}"
        scans(root, f"{stem}_desc-preproc_T1w", first=number)
        scans(root, f"{stem}_space-MNI152NLin2009cAsym_res-1_desc-preproc_T1w", first=number + 10)
        save(root / f"{stem}_desc-brain_mask.nii.gz", tissues()["mask"])
        save(root / f"{stem}_dseg.nii.gz", tissues()["labels"])
        save(root / f"{stem}_label-GM_probseg.nii.gz", tissues()["t1"].astype(np.float32))
    return root


def openneuro(root: Path) -> Path:
    """OpenNeuro through DataLad: one file fetched into the annex, one link whose content is not here."""
    annex = root / ".git" / "annex" / "objects" / "a1" / "SHA256E-s1--0.nii.gz"
    save(annex, head(0))
    for subject, content in (("sub-01", annex), ("sub-02", annex.with_name("SHA256E-s1--1.nii.gz"))):
        link = root / subject / "anat" / f"{subject}_T1w.nii.gz"
        link.parent.mkdir(parents=True)
        link.symlink_to(content)
    return root


def flat(root: Path) -> Path:
    """A folder of files whose names follow no rule, with a segmentation and a localiser that names do not tell."""
    scans(root, "anna_visit1", "anna_visit2", "berta_visit1", "case7")
    save(root / "carla_result.nii.gz", tissues()["labels"])
    save(root / "dora_first.nii.gz", head(5)[:, :, 20:29])
    save(root / "emil_extra.nii.gz", head(6, "t2"))
    save(root / "frida_run.nii.gz", np.stack([head(7)] * 3, axis=-1))
    return root


def own(root: Path) -> Path:
    """A project's own names: site, group, person and visit in one word."""
    scans(root, "x/KB-pat-p07v1", "x/KB-pat-p07v2", "x/MR-con-p07v1", "x/readme_p")
    return root


OWN_PATTERN = r"(?P<dataset>[A-Z]{2})-(?P<group>pat|con)-(?P<subject>p\d+)v(?P<session>\d)"
