"""A table of scans is trained on as it stands, whoever wrote it; what it cannot mean is refused by line."""

from __future__ import annotations

import csv

import pytest
from neuromf_spec.registry import law

from neuromf.config import load_config
from neuromf.data.chosen import chosen_selection
from neuromf.data.index.build import index_folder
from neuromf.data.index.table import write_index
from neuromf.data.splits import SPLIT_NAMES, split_scans, split_subjects, strata_of
from neuromf.data.table_selection import select_from_table
from neuromf.errors import InputError
from tests.support import layouts

HEADER = "scan_id,subject,path,include\n"


@pytest.fixture
def table(tmp_path):
    """A function that writes a table."""

    def write(text, name="cohort.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def rewritten(path, change):
    """Write a table again after `change` was called with its rows."""
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    change(rows)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, reader.fieldnames)
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.law("DATA-002")
def test_what_an_index_wrote_is_what_is_trained_on(tmp_path):
    """`data.source: table` gives the very scans that the index took, with subject, session, data set and group."""
    index = index_folder(layouts.fomo(tmp_path / "fomo"))
    write_index(tmp_path / "cohort.csv", index)
    config = load_config(["smoke"], ["data.source=table", f"data.root={tmp_path / 'cohort.csv'}"])
    selection = chosen_selection(config.data)
    assert selection.scans == [row.scan for row in index.taken]
    assert [one.reason for one in selection.left] == [row.reason for row in index.rows if row.reason]
    assert any("its name says PDw (first " in line for line in selection.lines())


def test_a_row_is_left_out_and_taken_in_by_hand(tmp_path):
    """Include decides, in the words of a spreadsheet too; whoever includes a row overrules its reason."""
    write_index(tmp_path / "cohort.csv", index_folder(layouts.ixi(tmp_path / "ixi")))

    def swap(rows):
        for row in rows:
            row["include"] = "FALSE" if row["include"] == "True" else "TRUE"

    rewritten(tmp_path / "cohort.csv", swap)
    selection = select_from_table(tmp_path / "cohort.csv")
    assert {scan.modality for scan in selection.scans} == {"T2w", "PDw"}
    assert {one.reason for one in selection.left} == {"left out in the table"}


def test_four_columns_are_enough_and_paths_count_from_the_table(tmp_path, table):
    """A short table of a person's own, with a column of theirs, is read."""
    path = table("age,scan_id,subject,path,include\n30,a,p1,scans/a.nii.gz,yes\n40,b,p2,/else/b.nii.gz,1\n")
    scans = select_from_table(path).scans
    assert [(scan.scan_id, scan.subject, str(scan.path)) for scan in scans] == [
        ("a", "p1", str(tmp_path / "scans" / "a.nii.gz")),
        ("b", "p2", "/else/b.nii.gz"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scan_id,path,include\na,a.nii,True\n", "no column subject"),
        (HEADER + "a,p,a.nii,maybe\n", "line 2: include is 'maybe'"),
        (HEADER + "a,,a.nii,True\n", "line 2 names no subject"),
        (HEADER + "a/b,p,a.nii,True\n", "line 2: the scan_id is 'a/b'"),
        (HEADER + "..,p,a.nii,True\n", "line 2: the scan_id is '..'"),
        (HEADER + "a,p,,True\n", "line 2: the path is empty"),
        (HEADER + "a,p,a\0.nii,True\n", "line 2: the path holds a null byte"),
        ("scan_id,subject,path,include,path\na,p,a.nii,True,b.nii\n", "two columns path"),
        (HEADER + "a,p,a.nii,True\na,q,b.nii,True\n", "'a' stands in two rows"),
        (HEADER + "a,p,a.nii,True\nb,q,./a.nii,True\n", "a.nii' stands in two rows"),
        (HEADER + "a,p,a.nii,False\n", "of 1 rows none is included"),
        (HEADER + "a,p,a.nii\n", "line 2 has another number of cells"),
        (HEADER + "a,p,a.nii,True,more\n", "line 2 has another number of cells"),
        ("", "no column scan_id"),
    ],
)
def test_a_table_that_means_nothing_clear_is_refused_by_line(table, text, words):
    """Each fault of a table is one sentence with the line or the value."""
    with pytest.raises(InputError) as caught:
        select_from_table(table(text))
    assert words in caught.value.problem
    assert caught.value.remedy


def test_two_columns_of_a_person_s_own_may_have_one_name(table):
    """Nobody reads them."""
    assert len(select_from_table(table("scan_id,subject,path,include,x,x\na,p,a.nii,True,1,2\n")).scans) == 1


@pytest.mark.parametrize("source", ["table", "folder"])
def test_an_id_that_no_file_can_have_is_refused_before_anything_is_encoded(tmp_path, table, source):
    """A latent's file is named by it, which would fail when all is encoded."""
    name = "é" * 121
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"{name}.nii").write_bytes(b"voxels")
    root = table(HEADER + f"{name},p,a.nii,True\n") if source == "table" else tmp_path / "in"
    config = load_config(["smoke"], [f"data.source={source}", f"data.root={root}"])
    with pytest.raises(InputError, match="has 242 bytes, more than 240") as caught:
        chosen_selection(config.data)
    assert "shorter" in caught.value.remedy


@pytest.mark.parametrize("name", ["nowhere.csv", ""])
def test_a_table_that_is_not_there_or_a_folder_is_refused(tmp_path, name):
    """No table, and a folder in its place, are told apart."""
    with pytest.raises(InputError, match=r"no such table|is a folder"):
        select_from_table(tmp_path / name)


RATIOS = (0.7, 0.2, 0.1)


@pytest.mark.law("DATA-002")
def test_data_sets_are_strata_of_the_split(tmp_path):
    """Each data set has its share of every split, to one subject, and the whole has the sizes of a plain split."""
    strata = {f"{name}{index}": name for name, size in (("A", 200), ("B", 47), ("C", 9)) for index in range(size)}
    splits = split_subjects(strata, RATIOS, 42)
    for name, size in (("A", 200), ("B", 47), ("C", 9)):
        for split, ratio in zip(SPLIT_NAMES, RATIOS, strict=True):
            have = sum(splits[subject] == split for subject in strata if strata[subject] == name)
            assert abs(have - size * ratio) < 1
    plain = split_subjects(list(strata), RATIOS, 42)
    sizes = [[list(found.values()).count(split) for split in SPLIT_NAMES] for found in (splits, plain)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("seed", range(20))
def test_one_data_set_is_split_as_without_strata(seed):
    """Who trained before trains still: one stratum gives what none gives."""
    subjects = [f"sub-{index}" for index in range(3 + seed)]
    assert split_subjects(dict.fromkeys(subjects, "only"), RATIOS, seed) == split_subjects(subjects, RATIOS, seed)


@pytest.mark.parametrize("ratios", [(0.0, 0.5, 0.5), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.34, 0.33, 0.33)])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1,), (5, 1, 1, 1, 1), (2, 2)])
def test_many_small_data_sets_leave_a_subject_to_train_and_lose_none(ratios, sizes):
    """Data sets of one person each fill the splits as one data set of that many would."""
    strata = {f"{name}-{index}": str(name) for name, size in enumerate(sizes) for index in range(size)}
    splits = split_subjects(strata, ratios, 1)
    assert splits.keys() == strata.keys()
    counts = [list(splits.values()).count(split) for split in SPLIT_NAMES]
    plain = list(split_subjects(list(strata), ratios, 1).values())
    assert counts == [plain.count(split) for split in SPLIT_NAMES]
    assert counts[0] >= 1


@pytest.mark.law("DATA-002")
def test_a_subject_of_two_data_sets_is_in_one_stratum_and_one_split(tmp_path):
    """Its stratum is the first data set by name, in whatever order its scans come."""
    for site in ("A", "B"):
        layouts.scans(tmp_path / site, "sub-01/anat/sub-01_T1w", "sub-02/anat/sub-02_T1w")
    scans = index_folder(
        tmp_path,
    ).selection.scans
    assert strata_of(scans) == strata_of(scans[::-1]) == {"sub-01": "A", "sub-02": "A"}
    splits = split_scans(scans, (0.5, 0.5, 0.0), 0)
    homes = {(scan.subject, splits[scan.subject]) for scan in scans}
    assert law("DATA-002").predicate(shared_subjects=len(homes) - 2).passed
