"""What a file holds is told from its header and voxels, whatever its name says."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt

from neuromf.data.index.contrast import coarse_head, likeness_to_t1
from neuromf.data.index.look import are_labels, look_at, voxel_hash
from neuromf.data.index.tissue import DOUBTFUL, tissues_of
from neuromf.data.nifti import read_volume
from neuromf.data.template import load_template
from neuromf.data.variation import draw_subject, subject_generator, synthesise
from tests.support import layouts


def test_a_head_is_taken_and_described(tmp_path):
    """Shape, spacing and orientation of a scan are those that it was written with, and nothing is doubtful."""
    look = look_at(layouts.save(tmp_path / "a.nii.gz", layouts.head(0)))
    assert (look.shape, look.spacing_mm, look.orientation) == ("50x58x48", "4x4x4", "RAS")
    assert (look.reason, look.notes) == ("", ())


def test_an_oblique_grid_is_said_to_be(tmp_path):
    """A head scanned at an angle of ten degrees is taken, and its orientation says oblique."""
    cosine, sine = np.cos(np.radians(10)), np.sin(np.radians(10))
    turn = np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]])
    look = look_at(layouts.save(tmp_path / "a.nii.gz", layouts.head(0), turn @ layouts.AFFINE))
    assert (look.orientation, look.reason) == ("RAS oblique", "")


CASES = {
    "tissue labels": (lambda: layouts.tissues()["labels"], "its voxels are labels"),
    "a mask": (lambda: layouts.tissues()["mask"], "its voxels are labels"),
    "labels as floats": (lambda: layouts.tissues()["labels"].astype(np.float32), "its voxels are labels"),
    "T2": (lambda: layouts.head(1, "t2"), "its voxels look T2-weighted"),
    "FLAIR": (lambda: layouts.head(1, "flair"), "its voxels look T2-, PD- or FLAIR-weighted: grey matter is 1."),
    "PD": (lambda: layouts.head(1, "pd"), "its voxels look T2-, PD- or FLAIR-weighted: grey matter is 1."),
    "a series": (lambda: np.stack([layouts.head(1)] * 4, axis=-1), "a series of 4 volumes"),
    "three slices": (lambda: layouts.head(1)[:, 20:23], "a localiser or a slab: 3 slices"),
    "a thin slab": (lambda: layouts.head(1)[:, :, 16:33], "a localiser or a slab: it covers 68 mm"),
    "nothing": (lambda: np.zeros((40, 40, 40), np.int16), "cannot be used: every voxel is 0"),
}

UNUSABLE = {"a series", "nothing"}
"""Cases that are no whole volume of numbers, or one of numbers all alike."""


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.law("DATA-004") if case in UNUSABLE else ()) for case in CASES]
)
def test_what_is_no_t1_weighted_head_is_set_aside_with_its_reason(tmp_path, case):
    """Label maps, other contrasts, series, localisers and empty files of a name that tells nothing."""
    make, reason = CASES[case]
    assert look_at(layouts.save(tmp_path / "a.nii.gz", make())).reason.startswith(reason)


@pytest.mark.parametrize("kept", [0, 300, 3000])
def test_a_truncated_file_is_set_aside(tmp_path, kept):
    """What cannot be read does not end an index."""
    path = layouts.save(tmp_path / "a.nii.gz", layouts.head(0))
    path.write_bytes(path.read_bytes()[:kept])
    assert look_at(path).reason.startswith("cannot be used: ")


@pytest.mark.parametrize(("kind", "seen"), [("t2", "look T2-weighted"), ("flair", "FLAIR-weighted")])
def test_voxels_that_contradict_a_name_are_doubtful_and_not_set_aside(tmp_path, kind, seen):
    """Where a name says T1, a look of another contrast is a note for a person to judge: a newborn's T1 has it too."""
    look = look_at(layouts.save(tmp_path / "a.nii.gz", layouts.head(1, kind)), modality="T1w")
    assert look.reason == ""
    assert seen in look.notes[0]


def test_a_contrast_that_nobody_can_tell_is_taken_and_said_to_be(tmp_path):
    """Where grey matter is about as bright as white, a scan of no name is taken with a note."""
    look = look_at(layouts.save(tmp_path / "a.nii.gz", layouts.head(1, "alike")))
    assert look.reason == ""
    assert look.notes == ("its voxels do not tell its contrast: grey matter is about as bright as white",)


def test_what_is_no_brain_has_no_contrast():
    """Noise in a ball has neither grey nor white matter, and is not set aside for what they are not."""
    generator = np.random.default_rng(0)
    places = np.indices((60, 60, 60)) - 30
    ball = np.where((places**2).sum(0) < 25**2, generator.random((60, 60, 60)), 0).astype(np.float32)
    assert not tissues_of(coarse_head(ball, np.diag([3.0, 3.0, 3.0, 1.0]))).is_other_contrast


def test_of_noise_everywhere_no_tissue_is_told():
    """Nothing in it lies as tissues do, so that nothing is said of them, not even that they are alike."""
    noise = np.random.default_rng(0).random((60, 60, 60)).astype(np.float32)
    assert np.isnan(tissues_of(coarse_head(noise, np.diag([3.0, 3.0, 3.0, 1.0]))).grey)


def test_headers_alone_are_looked_at_where_voxels_are_not_asked_for(tmp_path):
    """Without voxels there is no hash and no word on labels; a series is still one."""
    path = layouts.save(tmp_path / "a.nii.gz", layouts.tissues()["labels"])
    look = look_at(path, voxels=False)
    assert (look.reason, look.voxels, look.shape) == ("", "", "50x58x48")
    series = layouts.save(tmp_path / "b.nii.gz", np.stack([layouts.head(1)] * 4, axis=-1))
    assert look_at(series, voxels=False).reason.startswith("a series")


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize("codes", ["LPS", "PIR", "ASL"])
def test_equal_voxels_have_one_hash_however_they_are_stored(tmp_path, codes):
    """Other axes, another type and compression leave the hash; one voxel changes it."""
    image = nibabel.Nifti1Image(layouts.head(0), layouts.AFFINE)
    nibabel.save(image, tmp_path / "a.nii.gz")
    turned = image.as_reoriented(axcodes2ornt(codes))
    nibabel.save(nibabel.Nifti1Image(np.asarray(turned.dataobj).astype(np.float32), turned.affine), tmp_path / "b.nii")
    other = layouts.head(0).copy()
    other[10, 10, 10] += 1
    layouts.save(tmp_path / "c.nii.gz", other)
    first, same, changed = (voxel_hash(read_volume(tmp_path / name)) for name in ("a.nii.gz", "b.nii", "c.nii.gz"))
    assert first == same != changed


@pytest.mark.parametrize("seed", range(6))
def test_varied_heads_look_t1_weighted_and_are_no_labels(seed):
    """Heads of other shapes, bias and noise are taken neither for another contrast nor, in 8 bits, for labels."""
    template, draws = load_template(), draw_subject(subject_generator(11, seed))
    data = synthesise(template, draws, subject_generator(11, seed)).astype(np.float32)
    head = coarse_head(data, template.affine)
    likeness, tissues = likeness_to_t1(head), tissues_of(head)
    assert likeness.is_t1
    assert not likeness.is_t2
    assert 0.7 < tissues.grey < DOUBTFUL
    assert not are_labels(np.round(255 * data / data.max()).astype(np.float32))
