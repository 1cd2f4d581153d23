"""The checks that gzip and NIfTI have of their own are heeded, and what a header says of itself is told."""

from __future__ import annotations

import gzip
import tracemalloc

import nibabel
import numpy as np
import pytest

from neuromf.data.nifti import read_volume, write_volume
from neuromf.data.nifti_file import read_header
from neuromf.errors import InputError

RAS = np.diag([2.0, 2, 2, 1])
LAS = np.diag([-2.0, 2, 2, 1])
TILTED = RAS + np.array([[0, 0.1, 0, 9], [0.1, 0, 0, 9], [0, 0, 0, 9], [0] * 4])
DATA = np.random.default_rng(0).integers(0, 1000, (9, 10, 11)).astype(np.int16)


@pytest.fixture
def whole(tmp_path):
    """Path and bytes of a sound scan, uncompressed."""
    path = tmp_path / "scan.nii"
    write_volume(path, DATA, RAS)
    return path, path.read_bytes()


def half_changed(content):
    """The file with half of its voxels changed, under the checksum of the true one."""
    middle = (len(content) + 352) // 2
    changed = content[:middle] + bytes(byte ^ 1 for byte in content[middle:])
    return gzip.compress(changed)[:-8] + gzip.compress(content)[-8:]


COMPRESSED = {
    "checksum": (half_changed, "own check fails"),
    "length": (lambda b: gzip.compress(b)[:-4] + b"\0\0\0\1", "own check fails"),
    "no trailer": (lambda b: gzip.compress(b)[:-8], "truncated"),
    "half a trailer": (lambda b: gzip.compress(b)[:-3], "truncated"),
    "garbage behind": (lambda b: gzip.compress(b) + b"garbage", "own check fails"),
    "a second scan behind": (lambda b: gzip.compress(b) + gzip.compress(b), "more than its header says"),
    "a byte too many": (lambda b: gzip.compress(b + b"\0"), "1 bytes more than its header says"),
    "a byte too few": (lambda b: gzip.compress(b[:-1]), "truncated"),
    "no gzip": (lambda b: b, "not gzip"),
}


@pytest.mark.law("DATA-004")
@pytest.mark.parametrize("damage", COMPRESSED)
def test_a_damaged_gzip_is_refused_by_name(whole, damage):
    """Checksum, length and end of a gzip are read, and are those of the scan that the header describes."""
    path, content = whole
    make, words = COMPRESSED[damage]
    path = path.with_suffix(".nii.gz")
    path.write_bytes(make(content))
    with pytest.raises(InputError, match=words) as caught:
        read_volume(path)
    assert caught.value.file == str(path)


UNCOMPRESSED = {
    "longer": (lambda b: b + b"\0" * 7, "7 bytes more than its header says"),
    "shorter": (lambda b: b[:-1], "truncated"),
    "gzip under another name": (gzip.compress, "its name is not"),
}


@pytest.mark.law("DATA-004")
@pytest.mark.parametrize("damage", UNCOMPRESSED)
def test_a_file_of_another_length_than_its_header_says_is_refused(whole, damage):
    """Neither too few nor too many bytes are passed over; a header is refused without its voxels."""
    path, content = whole
    make, words = UNCOMPRESSED[damage]
    path.write_bytes(make(content))
    for read in (read_volume, read_header):
        with pytest.raises(InputError, match=words):
            read(path)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.NII.GZ", "a.Nii"])
def test_sound_files_are_read_to_the_end_and_unchanged(tmp_path, whole, name):
    """One gzip, one in two members as parallel compressors write it, and capital letters: the voxels are the same."""
    _, content = whole
    members = gzip.compress(content[:1000]) + gzip.compress(content[1000:])
    for text in (gzip.compress(content), members) if name.lower().endswith("gz") else (content,):
        (tmp_path / name).write_bytes(text)
        assert np.array_equal(read_volume(tmp_path / name).data, DATA)


@pytest.mark.parametrize("slope", [0.0, np.nan])
def test_a_slope_of_zero_or_nan_scales_nothing(whole, slope):
    """By NIfTI's convention integers are then what is stored, whatever the intercept says."""
    path, content = whole
    path.write_bytes(content[:112] + np.array([slope, np.nan], "<f4").tobytes() + content[120:])
    assert np.array_equal(read_volume(path).data, DATA)


@pytest.mark.parametrize(
    ("slope", "intercept", "key"), [(np.inf, 0, "scl_slope"), (2, np.nan, "scl_inter"), (1, np.inf, "scl_inter")]
)
def test_a_scaling_that_is_no_number_is_refused(whole, slope, intercept, key):
    """An infinite slope and an intercept that is no number are refused with the field's name."""
    path, content = whole
    path.write_bytes(content[:112] + np.array([slope, intercept], "<f4").tobytes() + content[120:])
    with pytest.raises(InputError) as caught:
        read_volume(path)
    assert caught.value.key == key


def test_a_header_that_contradicts_itself_is_refused(whole):
    """The bits of a voxel are given twice."""
    path, content = whole
    path.write_bytes(content[:72] + np.array([32], "<i2").tobytes() + content[74:])
    with pytest.raises(InputError, match="32 bits by one field and 16 by another"):
        read_volume(path)


@pytest.mark.parametrize(
    ("dtype", "words"), [(np.complex64, "complex"), ([("R", "u1"), ("G", "u1"), ("B", "u1")], "colours")]
)
def test_voxels_that_are_no_real_numbers_are_refused(tmp_path, dtype, words):
    """The imaginary half of a complex scan is not dropped without a word."""
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), dtype), RAS), tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match=words):
        read_volume(tmp_path / "a.nii.gz")


def test_a_header_that_promises_too_much_takes_no_memory(whole):
    """A damaged size is refused before a buffer of that size is made."""
    path, content = whole
    path = path.with_suffix(".nii.gz")
    path.write_bytes(gzip.compress(content[:42] + np.array([2000] * 3, "<i2").tobytes() + content[48:]))
    tracemalloc.start()
    with pytest.raises(InputError, match="truncated"):
        read_volume(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_file_without_the_right_to_read_it_is_not_called_damaged(whole, monkeypatch):
    """Permissions are told as permissions."""
    path, _ = whole

    def refused(*_args, **_keys):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refused)
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_volume(path)
    assert "damaged" not in caught.value.problem


def oriented(path, sform, sform_code, qform, qform_code):
    image = nibabel.Nifti1Image(DATA, None)
    image.header.set_sform(sform, sform_code)
    image.header.set_qform(qform, qform_code)
    path.write_bytes(image.to_bytes())
    return path


def test_a_left_right_contradiction_of_sform_and_qform_is_told(tmp_path):
    """Both orientations, which one is used and what to do are said, without reading voxels; the sform is used."""
    path = oriented(tmp_path / "a.nii", LAS, 1, RAS, 1)
    (note,) = read_header(path)[1]
    for words in ("sform says LAS", "qform RAS", "left and right", "the sform is used", "fslorient"):
        assert words in note
    assert np.array_equal(read_volume(path).affine, LAS)


def test_orientations_turned_against_each_other_are_told(tmp_path):
    """Handedness may agree while the axes do not."""
    turned = np.array([[0, -2.0, 0, 0], [2, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    (note,) = read_header(oriented(tmp_path / "a.nii", turned, 1, RAS, 1))[1]
    assert "turned against each other" in note


@pytest.mark.parametrize(
    ("sform", "sform_code", "qform", "qform_code"),
    [
        (RAS, 1, RAS, 1),
        (LAS, 1, RAS, 0),
        (RAS, 0, LAS, 1),
        (RAS + np.array([[0, 0.1, 0, 9], [0.1, 0, 0, 9], [0, 0, 0, 9], [0] * 4]), 4, RAS, 1),
    ],
)
def test_orientations_that_agree_or_are_given_once_are_not_told(tmp_path, sform, sform_code, qform, qform_code):
    """A second orientation that nobody set, and one that differs by a little tilt, are no contradiction."""
    assert read_header(oriented(tmp_path / "a.nii", sform, sform_code, qform, qform_code))[1] == ()
