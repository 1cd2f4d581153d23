"""Sessions of one subject stay together."""

from __future__ import annotations

import pytest
from neuromf_spec.registry import law

from neuromf.data.cohort import discover_scans
from neuromf.data.splits import split_subjects


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize("named_by", ["file", "folder"])
def test_sessions_of_a_subject_are_in_one_split(tmp_path, named_by):
    """Of 30 subjects with two sessions each, named in the file or in its folder, none is torn by the split."""
    for subject in range(30):
        for session in ("a", "b"):
            folder = tmp_path / f"sub-{subject:02d}" / f"ses-{session}"
            folder.mkdir(parents=True)
            stem = f"sub-{subject:02d}_ses-{session}_T1w" if named_by == "file" else "T1w"
            (folder / f"{stem}.nii.gz").touch()

    scans = discover_scans(tmp_path)
    splits = split_subjects((scan.subject for scan in scans), (0.5, 0.25, 0.25), 42)

    head = {scan.scan_id: scan.path.relative_to(tmp_path).parts[0] for scan in scans}
    homes = {(head[scan.scan_id], splits[scan.subject]) for scan in scans}
    torn = len(homes) - len({subject for subject, _ in homes})
    assert len(scans) == 60
    assert law("DATA-002").predicate(shared_subjects=torn).passed
