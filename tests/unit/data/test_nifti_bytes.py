"""Scans against the NIfTI standard, byte by byte: what a file says is what is read, and what is written says it."""

from __future__ import annotations

import gzip
import struct
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from neuromf.data.nifti import read_volume, write_volume
from neuromf.errors import InputError

pytestmark = pytest.mark.law("DATA-006")

SHAPE = (3, 4, 5)
TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
"""NIfTI's codes of real voxel types."""
ROTATION = Rotation.from_quat([0.1, -0.2, 0.15, np.sqrt(1 - 0.0725)])
EDGES, OFFSET = (0.9, 1.7, 2.6), (-31.5, 42.25, 7.75)
QFORM = np.eye(4)
QFORM[:3, :3], QFORM[:3, 3] = ROTATION.as_matrix() @ np.diag([0.9, 1.7, -2.6]), OFFSET
SFORM = np.array([[0.1, -1.9, 0.2, 12], [-0.8, 0.3, 0.1, -7], [0.2, 0.1, 3.1, 5], [0, 0, 0, 1]])
NO_FORM = np.diag([-0.9, 1.7, 2.6, 1.0])
NO_FORM[:3, 3] = [0.9, -1.7 * 1.5, -2.6 * 2]


def file_of(voxels, code, *, end="<", version=1, sform=0, qform=0, slope=0.0, intercept=0.0, gap=0, axes=3):
    """A NIfTI file by the standard's table of places, with voxels of an array, the first axis the fastest."""
    size = 348 if version == 1 else 540
    header, place = bytearray(size), struct.pack_into
    start = size + 4 + gap
    dim = [axes, *voxels.shape, *[1] * 4][:8]
    pixdim = [-1.0, *EDGES, *[1.0] * 4]  # the first is the qform's sign of the third axis
    quaternion = ROTATION.as_quat()[:3]
    bits = voxels.dtype.itemsize * 8
    if version == 1:
        for form, at, *values in (("i", 0, 348), ("8h", 40, *dim), ("2h", 70, code, bits), ("8f", 76, *pixdim),
                                  ("f", 108, start), ("2f", 112, slope, intercept), ("2h", 252, qform, sform),
                                  ("6f", 256, *quaternion, *OFFSET), ("12f", 280, *SFORM[:3].ravel())):  # fmt: skip
            place(end + form, header, at, *values)
        header[344:348] = b"n+1\0"
    else:
        for form, at, *values in (("i", 0, 540), ("2h", 12, code, bits), ("8q", 16, *dim), ("8d", 104, *pixdim),
                                  ("q", 168, start), ("2d", 176, slope, intercept), ("2i", 344, qform, sform),
                                  ("6d", 352, *quaternion, *OFFSET), ("12d", 400, *SFORM[:3].ravel())):  # fmt: skip
            place(end + form, header, at, *values)
        header[4:12] = b"n+2\0\r\n\x1a\n"
    return bytes(header) + b"\0" * (4 + gap) + voxels.astype(voxels.dtype.newbyteorder(end)).tobytes(order="F")


def numbers(kind="i2"):
    """60 voxels of which no two are equal."""
    return np.random.default_rng(0).permutation(np.arange(1, 61)).reshape(SHAPE).astype(kind)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("end", ["<", ">"])
@pytest.mark.parametrize("code", TYPES)
def test_each_voxel_is_where_the_bytes_say(tmp_path, code, end, version):
    """All real types, both orders of bytes, both versions, with a gap before the voxels, packed and not."""
    voxels = numbers(TYPES[code])
    content = file_of(voxels, code, end=end, version=version, sform=1, gap=16)
    for name, written in (("a.nii", content), ("a.nii.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(written)
        volume = read_volume(tmp_path / name)
        assert np.array_equal(volume.data, voxels.astype(np.float32))
        assert volume.data.dtype == np.float32
        assert volume.data.flags["C_CONTIGUOUS"]
        assert volume.affine == pytest.approx(SFORM, rel=1e-6)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sform", [0, 1, 2, 4])
@pytest.mark.parametrize("qform", [0, 1, 3])
def test_the_sform_places_voxels_before_the_qform(tmp_path, sform, qform, version):
    """Of two that differ the sform is taken, whatever its code; the qform where there is none; sizes at last."""
    (tmp_path / "a.nii").write_bytes(file_of(numbers(), 4, sform=sform, qform=qform, version=version))
    volume = read_volume(tmp_path / "a.nii")
    expected = SFORM if sform else QFORM if qform else NO_FORM
    assert volume.affine == pytest.approx(expected, abs=1e-5)
    assert bool(volume.notes) == bool(sform and qform), "two that contradict each other are told of"


@pytest.mark.parametrize(
    ("slope", "intercept", "scaled"),
    [(0.5, 10.0, True), (2.0, 0.0, True), (-1.5, 3.0, True), (1.0, 4.0, True), (0.0, 4.0, False), (np.nan, 4.0, False)],
)
@pytest.mark.parametrize("axes", [3, 4])
def test_a_voxel_is_slope_times_number_plus_intercept(tmp_path, slope, intercept, scaled, axes):
    """A slope of 0 or none scales nothing, intercept or not; a fourth axis of one volume changes nothing."""
    voxels = numbers()
    content = file_of(voxels, 4, sform=1, slope=slope, intercept=intercept, axes=axes)
    (tmp_path / "a.nii").write_bytes(content)
    expected = voxels * slope + intercept if scaled else voxels
    assert np.array_equal(read_volume(tmp_path / "a.nii").data, expected.astype(np.float32))


@pytest.mark.parametrize("kind", ["f4", "i2", "f8"])
def test_a_written_volume_says_where_its_voxels_lie(tmp_path, kind):
    """Type, voxels, units and both forms stand in the file as they were given, for a reader of either form."""
    voxels, affine = numbers(kind), QFORM @ np.diag([1, 1, -1, 1])
    write_volume(tmp_path / "a.nii.gz", voxels, affine)
    content = gzip.decompress((tmp_path / "a.nii.gz").read_bytes())
    end = "<" if sys.byteorder == "little" else ">"

    def read(form, at):
        return struct.unpack_from(end + form, content, at)

    assert read("4h", 40) == (3, *SHAPE)
    stored = {"f4": (16, "f4"), "i2": (4, "i2"), "f8": (16, "f4")}[kind]
    assert read("h", 70) == (stored[0],)
    assert read("3f", 80) == pytest.approx(EDGES, rel=1e-6)
    assert content[123] & 7 == 2, "millimetres"
    start = int(read("f", 108)[0])
    there = np.frombuffer(content, end + stored[1], offset=start).reshape(SHAPE, order="F")
    assert np.array_equal(there, voxels)
    slope, intercept = read("2f", 112)
    assert (slope in (0, 1) or np.isnan(slope), intercept == 0 or np.isnan(intercept)) == (True, True)
    qform, sform = read("2h", 252)
    assert sform > 0
    assert np.array(read("12f", 280)).reshape(3, 4) == pytest.approx(affine[:3], abs=1e-5)
    if qform > 0:
        b, c, d = read("3f", 256)
        turned = Rotation.from_quat([b, c, d, np.sqrt(max(1 - b * b - c * c - d * d, 0))]).as_matrix()
        turned = turned @ np.diag(EDGES) @ np.diag([1, 1, read("f", 76)[0]])
        assert turned == pytest.approx(affine[:3, :3], abs=1e-4)
        assert read("3f", 268) == pytest.approx(affine[:3, 3], abs=1e-5)


def edges_of(scale):
    """A file of two equal forms, whose voxels are scaled, and its affine."""
    affine = QFORM.copy()
    affine[:3, :3] *= scale
    content = bytearray(file_of(numbers(), 4, sform=1, qform=1))
    struct.pack_into("<3f", content, 80, *(scale * edge for edge in EDGES))
    struct.pack_into("<12f", content, 280, *affine[:3].ravel())
    return content, affine


@pytest.mark.parametrize("scale", [0.2, 0.6, 1.0, 3.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_forms_that_agree_are_not_told_of_at_any_voxel_size(tmp_path, scale, mirrored):
    """A mirrored sform is told of, with the letters of both and the word for it; an equal one is not."""
    content, affine = edges_of(scale)
    if mirrored:
        affine = affine @ np.diag([-1, 1, 1, 1])
        struct.pack_into("<12f", content, 280, *affine[:3].ravel())
    (tmp_path / "a.nii").write_bytes(content)
    volume = read_volume(tmp_path / "a.nii")
    assert volume.affine == pytest.approx(affine, abs=1e-5)
    told = ["the sform says LAI, the qform RAI: left and right contradict each other"] if mirrored else []
    assert [note.partition(";")[0] for note in volume.notes] == told


def test_forms_turned_against_each_other_are_told_of(tmp_path):
    """Of one handedness, but with other axes."""
    content, affine = edges_of(1.0)
    turned = affine @ np.diag([-1, -1, 1, 1])
    struct.pack_into("<12f", content, 280, *turned[:3].ravel())
    (tmp_path / "a.nii").write_bytes(content)
    (note,) = read_volume(tmp_path / "a.nii").notes
    assert note.startswith("the sform says LPI, the qform RAI: they are turned against each other; the sform is used")


@pytest.mark.parametrize(("scale", "told"), [(1.0, False), (1.015, False), (1.03, True), (0.5, True)])
def test_forms_of_unlike_voxel_sizes_are_told_of(tmp_path, scale, told):
    """Twice as large by one form, or by 3 %, is told with both sizes; the scaling of a registration is not."""
    content, affine = edges_of(1.0)
    struct.pack_into("<12f", content, 280, *(affine @ np.diag([1, 1, scale, 1]))[:3].ravel())
    (tmp_path / "a.nii").write_bytes(content)
    sizes = [" x ".join(f"{edge:.4g}" for edge in np.multiply(EDGES, (1, 1, one))) for one in (scale, 1)]
    wanted = [f"the sform says voxels of {sizes[0]} mm, the qform {sizes[1]}"] if told else []
    assert [note.partition(";")[0] for note in read_volume(tmp_path / "a.nii").notes] == wanted


def broken_qform(sform):
    content = bytearray(file_of(numbers(), 4, sform=sform, qform=1))
    struct.pack_into("<3f", content, 256, 0.9, 0.9, 0.9)  # of a quaternion, whose squares add up to 1
    return content


def test_a_qform_that_is_none_leaves_the_sform(tmp_path):
    """It is told of beside an sform, and refused where it would place the voxels."""
    (tmp_path / "a.nii").write_bytes(broken_qform(1))
    volume = read_volume(tmp_path / "a.nii")
    assert volume.affine == pytest.approx(SFORM, rel=1e-6)
    assert [note.partition(" (")[0] for note in volume.notes] == ["the qform cannot be read"]
    (tmp_path / "b.nii").write_bytes(broken_qform(0))
    with pytest.raises(InputError, match="should be"):
        read_volume(tmp_path / "b.nii")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_without_voxels_is_refused_by_name(tmp_path, axis):
    """An axis of none is no scan, and is said to be that."""
    shape = [size * (number != axis) for number, size in enumerate(SHAPE)]
    (tmp_path / "a.nii").write_bytes(file_of(np.zeros(shape, np.int16), 4, sform=1))
    with pytest.raises(InputError, match="has no voxels"):
        read_volume(tmp_path / "a.nii")
