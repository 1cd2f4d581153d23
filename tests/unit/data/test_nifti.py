"""Reading and writing NIfTI: what goes in comes out, and every bad file is one clear sentence."""

import gzip

import nibabel
import numpy as np
import pytest

from neuromf.data.nifti import read_volume, write_volume
from neuromf.errors import InputError

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])


def ramp(shape=(5, 6, 7)):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def save_raw(path, data, affine=AFFINE):
    nibabel.save(nibabel.Nifti1Image(data, affine), path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.float64])
def test_round_trip(tmp_path, name, dtype):
    """Data and affine come back as they were written, as float32."""
    write_volume(tmp_path / "new" / "deep" / name, ramp().astype(dtype), AFFINE)
    volume = read_volume(tmp_path / "new" / "deep" / name)
    assert volume.data.dtype == np.float32
    assert np.array_equal(volume.data, ramp())
    assert np.array_equal(volume.affine, AFFINE)


def test_equal_volumes_give_equal_bytes(tmp_path):
    """Neither time nor name enters the file."""
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(tmp_path / name, ramp(), AFFINE)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert (tmp_path / "a.nii.gz").read_bytes()[4:8] == b"\0\0\0\0"


def test_scaled_integers_are_scaled(tmp_path):
    """Slope and intercept of the header are applied."""
    image = nibabel.Nifti1Image(ramp().astype(np.int16), AFFINE)
    image.header.set_slope_inter(0.5, 10)
    nibabel.save(image, tmp_path / "a.nii")
    stored = nibabel.load(tmp_path / "a.nii")
    assert np.allclose(read_volume(tmp_path / "a.nii").data, stored.get_fdata())


def test_trailing_single_axis_is_dropped(tmp_path):
    """A 4-D file with one volume is read as 3-D."""
    assert read_volume(save_raw(tmp_path / "a.nii.gz", ramp()[..., None])).data.shape == (5, 6, 7)


def bad_value(value):
    data = ramp()
    data[2, 3, 4] = value
    return data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (ramp((4, 4, 4, 2)), "not three axes"),
        (ramp((4, 4)), "not three axes"),
        (bad_value(np.nan), "1 voxel inside the head is NaN"),
        (bad_value(-np.inf), "1 voxel is infinite"),
        (np.full((4, 4, 4), 7, np.float32), "every voxel is 7"),
    ],
)
def test_bad_data_is_refused(tmp_path, data, words):
    """Wrong axes, non-finite voxels and constant volumes are an InputError that names the file."""
    path = save_raw(tmp_path / "bad.nii.gz", data)
    with pytest.raises(InputError, match=words) as caught:
        read_volume(path)
    assert caught.value.file == str(path)


@pytest.mark.parametrize("bad", [np.diag([2.0, 0, 2, 1]), np.diag([2.0, np.nan, 2, 1])])
def test_singular_affine_is_refused(tmp_path, bad):
    """An affine that maps no volume is an InputError."""
    image = nibabel.Nifti1Image(ramp(), AFFINE)
    image.header.set_sform(bad, code=1)
    image.header["vox_offset"] = 352
    (tmp_path / "bad.nii").write_bytes(image.header.binaryblock + b"\0" * 4 + ramp().tobytes(order="F"))
    with pytest.raises(InputError, match="the affine is singular"):
        read_volume(tmp_path / "bad.nii")


def truncated_gzip(path):
    write_volume(path, np.random.default_rng(0).random((9, 9, 9), dtype=np.float32), AFFINE)
    return path.read_bytes()[:1500]


def truncated_nifti(path):
    return gzip.decompress(truncated_gzip(path) and path.read_bytes())[:1000]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.nii.gz", truncated_gzip, "truncated"),
        ("bad.nii", lambda path: truncated_nifti(path.with_suffix(".nii.gz")), "truncated"),
        ("bad.nii.gz", lambda path: b"this is not a scan at all" * 30, "not gzip"),
        ("bad.nii", lambda path: b"this is not a scan at all" * 30, "not a NIfTI"),
        ("bad.nii.gz", lambda path: gzip.compress(b"nor is this one" * 50), "not a NIfTI"),
        ("bad.nii.gz", lambda path: b"", "empty"),
        ("bad.txt", lambda path: b"text", "not a NIfTI"),
    ],
)
def test_bad_file_is_refused(tmp_path, name, content, words):
    """Truncated, empty and foreign files are an InputError that names the file."""
    path = tmp_path / name
    path.write_bytes(content(path))
    with pytest.raises(InputError, match=words) as caught:
        read_volume(path)
    assert caught.value.file == str(path)
    assert caught.value.remedy


def test_missing_file_is_refused(tmp_path):
    """A path that leads nowhere, or to a folder, is an InputError."""
    for path in (tmp_path / "none.nii", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read_volume(path)


@pytest.mark.parametrize(("name", "shape"), [("a.png", (3, 3, 3)), ("a.nii", (3, 3))])
def test_unwritable_request_is_refused(tmp_path, name, shape):
    """A foreign ending or another number of axes is an InputError and leaves no file."""
    with pytest.raises(InputError):
        write_volume(tmp_path / name, ramp(shape), AFFINE)
    assert not (tmp_path / name).exists()
