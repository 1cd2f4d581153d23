"""Rows are asked for by the table's columns and by participants.tsv; who is not asked for is told why."""

from __future__ import annotations

import pytest

from neuromf.data.index.build import Asked, index_folder
from neuromf.data.index.filters import parse_condition
from neuromf.data.index.participants import read_participants
from neuromf.data.scan import Scan
from neuromf.errors import InputError
from tests.support import layouts

ROW = {"age": "23.5", "group": "Control", "oldest": "89+", "unknown": "n/a", "empty": ""}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("age>=23.5", True), ("age>23.5", False), ("age<=23.5", True), ("age<24", True), ("age = 23.5", True),
        ("group=control", True), ("GROUP=patient,control", True), ("group!=Control", False), ("group!=patient", True),
        ("oldest>=80", True), ("unknown>=0", False), ("unknown<0", False), ("unknown=n/a", True), ("empty=n/a", True),
        ("empty!=n/a", False), ("group=n/a", False),
    ],
)  # fmt: skip
def test_a_condition_holds_or_says_why_not(text, holds):
    """Words are compared without regard to capitals, numbers as numbers, and what is missing meets no comparison."""
    reason = parse_condition(text, list(ROW)).reason(ROW)
    assert (reason == "") == holds
    assert holds or reason.startswith("not asked for: ")


@pytest.mark.parametrize("text", ["age", "age>=old", "weight>3", "=3", ""])
def test_what_is_no_condition_is_refused(text):
    """A condition without a sign, on no column, or that compares with a word, is a sentence."""
    with pytest.raises(InputError) as caught:
        parse_condition(text, list(ROW))
    assert caught.value.key == "--where"


def taken(root, *where):
    index = index_folder(root, Asked(where=where, voxels=False))
    return sorted(str(row.scan.path.relative_to(root)) for row in index.taken)


def test_conditions_on_participants_data_set_and_group_choose_scans(tmp_path):
    """Of FOMO-60K, healthy adults of one data set; all conditions must hold."""
    root = layouts.fomo(tmp_path)
    ones = [f"PT001_OASIS1/sub_1/{scan}.nii.gz" for scan in ("ses_1/t1", "ses_1/t1_2", "ses_2/t1")]
    assert taken(root, "age>=18") == [*ones, "PT005_IXI/sub_1/ses_1/t1.nii.gz"]
    assert taken(root, "age>=18", "dataset=PT001_OASIS1") == ones
    assert taken(root, "group=NONDEMENTED,n/a") == [*ones, "PT001_OASIS1/sub_2/ses_1/t1.nii.gz"]
    assert taken(root, "dataset!=PT001_OASIS1") == ["PT005_IXI/sub_1/ses_1/t1.nii.gz"]


def test_conditions_that_leave_nothing_are_refused(tmp_path):
    """An empty cohort is told with a reason, not written."""
    with pytest.raises(InputError, match="no scan is left") as caught:
        taken(layouts.fomo(tmp_path), "age>=100")
    assert "--where" in caught.value.remedy


PEOPLE = {
    "BIDS": ("participant_id\tage\nsub-01\t30\n", Scan("sub-01", "a", "p"), "30"),
    "without the word": ("participant_id\tage\n01\t30\n", Scan("sub-01", "a", "p"), "30"),
    "a published scheme": ("ID,age\nOAS1_0001_MR1,30\n", Scan("OAS1_0001", "a", "p", "MR1"), "30"),
    "a session's own row": ("participant_id\tsession_id\tage\nsub-1\tses-a\t30\nsub-1\tses-b\t31\n",
                            Scan("sub-1", "a", "p", "ses-b"), "31"),
    "another data set's": ("participant_id\tdataset\tage\nsub_1\tA\t30\nsub_1\tB\t31\n",
                           Scan("C/sub_1", "a", "p", dataset="C"), None),
    "the data set's own": ("participant_id\tdataset\tage\nsub_1\tA\t30\nsub_1\tB\t31\n",
                           Scan("B/sub_1", "a", "p", dataset="B"), "31"),
    "a byte order mark": ("\ufeffparticipant_id\tage\nsub-01\t30\n", Scan("sub-01", "a", "p"), "30"),
    "nobody": ("participant_id\tage\nsub-02\t30\n", Scan("sub-01", "a", "p"), None),
}  # fmt: skip


@pytest.mark.law("COV-001")
@pytest.mark.parametrize("case", PEOPLE)
def test_a_scan_finds_its_row(tmp_path, case):
    """By subject, session and data set, however the table writes an id; another data set's person is not taken."""
    text, scan, age = PEOPLE[case]
    path = tmp_path / ("people.csv" if "," in text else "participants.tsv")
    path.write_text(text, encoding="utf-8")
    assert read_participants(path).of(scan).get("age") == age


def test_a_table_without_subjects_is_refused(tmp_path):
    """A file that names nobody is not read as one in which nothing is known."""
    (tmp_path / "participants.tsv").write_text("age\tsex\n30\tF\n")
    with pytest.raises(InputError, match="no column names the subject"):
        read_participants(tmp_path / "participants.tsv")
