"""Which scans a folder holds, and whose they are."""

import pytest

from neuromf.data.cohort import discover_scans
from neuromf.errors import InputError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(root):
    return [(scan.subject, scan.scan_id) for scan in discover_scans(root)]


def test_bids_entities_name_subject_and_session(tmp_path):
    """The sub- entity is the subject, sessions of one subject are several scans, sorted."""
    touch(
        tmp_path,
        "sub-02/anat/sub-02_T1w.nii.gz",
        "sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii",
    )
    assert found(tmp_path) == [
        ("sub-01", "sub-01_ses-a_T1w"),
        ("sub-01", "sub-01_ses-b_T1w"),
        ("sub-02", "sub-02_T1w"),
    ]


def test_plain_folder_uses_the_stem(tmp_path):
    """Without BIDS entities each file is its own subject; other files and hidden ones are skipped."""
    touch(tmp_path, "b.nii", "deep/a.nii.gz", "notes.txt", ".hidden.nii", ".cache/c.nii", "submarine-1.nii")
    assert found(tmp_path) == [("a", "a"), ("b", "b"), ("submarine-1", "submarine-1")]


def test_t1_weighted_files_are_preferred(tmp_path):
    """Where there are T1w files, other contrasts are left out."""
    touch(tmp_path, "sub-1_T1w.nii.gz", "sub-1_T2w.nii.gz", "mask.nii.gz")
    assert found(tmp_path) == [("sub-1", "sub-1_T1w")]


def test_subject_folder_serves_when_the_name_does_not(tmp_path):
    """Files named alike in subject folders get the folder's entities."""
    touch(tmp_path, "sub-1/ses-1/brain.nii.gz", "sub-1/ses-2/brain.nii.gz", "sub-2/brain.nii.gz")
    assert found(tmp_path) == [
        ("sub-1", "sub-1_ses-1_brain"),
        ("sub-1", "sub-1_ses-2_brain"),
        ("sub-2", "sub-2_brain"),
    ]


def test_entities_are_whole_words(tmp_path):
    """sub-1 and sub-10 are two subjects, also where one file lies in the other's folder."""
    touch(tmp_path, "sub-1/sub-10_T1w.nii", "sub-1/sub-1_T1w.nii", "sub-1/x_T1w.nii", "sub-1/xsub-10_T1w.nii")
    assert found(tmp_path) == [
        ("sub-10", "sub-10_T1w"),
        ("sub-1", "sub-1_T1w"),
        ("sub-1", "sub-1_x_T1w"),
        ("sub-1", "sub-1_xsub-10_T1w"),
    ]


def test_scans_that_no_folder_keeps_apart_are_refused(tmp_path):
    """Two files that would share an id with their folders in it are an InputError that names both."""
    touch(tmp_path, "x/y/a.nii", "x_y/a.nii")
    with pytest.raises(InputError, match=r"x/y/a\.nii and .*x_y/a\.nii"):
        discover_scans(tmp_path)


def test_empty_or_missing_folder_is_refused(tmp_path):
    """No folder and no NIfTI are each an InputError that names the folder."""
    touch(tmp_path, "notes.txt")
    for root, words in ((tmp_path, "no .nii"), (tmp_path / "none", "no such folder"), (tmp_path / "notes.txt", "no")):
        with pytest.raises(InputError, match=words) as caught:
            discover_scans(root)
        assert caught.value.file == str(root)
