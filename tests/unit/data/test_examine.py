"""A look at a cohort: every bad scan is named, no good one is, and it costs little."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest

from neuromf.data import examine
from neuromf.data.cohort import discover_scans
from neuromf.data.examine import examine_scans, refuse_bad_scans
from neuromf.data.nifti import Volume, write_volume
from neuromf.errors import InputError
from tests.support.bad_scans import AFFINE, BAD, SHAPE, head, write_bad, write_good


@pytest.mark.law("DATA-004")
@pytest.mark.parametrize("whole", [False, True])
def test_every_bad_scan_is_named_with_its_reason_at_once(tmp_path, whole):
    """One of each kind among good ones: all of them are found, with what to do, and nothing else."""
    write_good(tmp_path, 3)
    paths = write_bad(tmp_path)
    found = examine_scans(discover_scans(tmp_path), whole=whole)
    assert found.scans == 3 + len(BAD)
    assert [bad.scan.path for bad in found.bad] == list(paths.values())
    for bad, (_, words) in zip(found.bad, BAD.values(), strict=True):
        assert words in bad.problem
        assert bad.remedy


@pytest.mark.parametrize("extra", [[], [b"\0" * 64], [gzip.compress(b"")]])
def test_a_good_scan_that_looks_odd_is_read_whole_and_cleared(tmp_path, extra):
    """Dark slices, padding and a second, empty gzip member, as bgzip writes, are no faults."""
    data = head(0)
    data[:, :, :13] = 0
    write_volume(tmp_path / "a.nii.gz", data, AFFINE)
    with (tmp_path / "a.nii.gz").open("ab") as file:
        file.writelines(extra)
    assert examine_scans(discover_scans(tmp_path)).bad == ()


def test_a_plain_file_that_is_cut_short_is_found_by_its_size(tmp_path):
    """Without gzip the file's size tells, whatever its voxels are."""
    write_volume(tmp_path / "a.nii", head(0), AFFINE)
    content = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "a.nii").write_bytes(content[:-10])
    (bad,) = examine_scans(discover_scans(tmp_path), voxels_of=0).bad
    assert "truncated" in bad.problem


def test_a_volume_with_a_fourth_axis_of_one_is_good(tmp_path):
    """What is read as three axes is judged as three."""
    nibabel.save(nibabel.Nifti1Image(head(0)[..., None], AFFINE), tmp_path / "a.nii.gz")
    assert examine_scans(discover_scans(tmp_path)).bad == ()


def test_a_good_scan_is_not_unpacked_to_its_end(tmp_path, monkeypatch):
    """The quick form reads no good scan whole; the whole form does."""
    write_good(tmp_path, 2)
    read = []
    monkeypatch.setattr(examine, "read_volume", lambda path: read.append(path) or Volume(head(0), AFFINE))
    examine_scans(discover_scans(tmp_path))
    assert read == []
    examine_scans(discover_scans(tmp_path), whole=True)
    assert len(read) == 2


def test_a_large_cohorts_voxels_are_read_of_the_same_even_sample(tmp_path, monkeypatch):
    """Headers are read of all; voxels of so many, spread from the first scan to the last."""
    write_good(tmp_path, 12)
    calls = []
    sound = examine.looks_sound
    monkeypatch.setattr(
        examine, "looks_sound", lambda path, voxels: calls.append((path.name, voxels)) or sound(path, voxels=voxels)
    )
    scans = discover_scans(tmp_path)
    for _ in range(2):
        calls.clear()
        found = examine_scans(scans, voxels_of=3)
        assert sorted(name for name, voxels in calls if voxels) == [
            f"sub-{number:04d}_T1w.nii.gz" for number in (1, 5, 9)
        ]
        assert (len(calls), found.scans, found.voxels_of) == (12, 12, 3)


def test_progress_counts_every_scan(tmp_path):
    """A bar can be shown."""
    write_good(tmp_path, 3)
    seen = []
    examine_scans(discover_scans(tmp_path), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_bad_scans_end_in_one_sentence_that_names_ten_and_counts_all(tmp_path):
    """The first ten are named with their reasons, the rest is a number."""
    for number in range(12):
        write_volume(tmp_path / f"sub-{number:02d}_T1w.nii", np.full(SHAPE, number, np.float32), AFFINE)
    write_good(tmp_path, 1)
    found = examine_scans(discover_scans(tmp_path))
    with pytest.raises(InputError, match=r"^data\.root: 12 of 13 scans cannot be used") as caught:
        refuse_bad_scans(found)
    assert str(caught.value).count("every voxel is") == 10
    assert "and 2 more" in str(caught.value)


def test_a_good_cohort_is_not_refused(tmp_path):
    """Nothing bad, nothing said."""
    write_good(tmp_path, 2)
    refuse_bad_scans(examine_scans(discover_scans(tmp_path)))
