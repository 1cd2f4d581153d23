"""`neuromf data index` writes a table and a page, and says what it found."""

from __future__ import annotations

import pytest

from neuromf.data.index import build
from neuromf.data.index.table import INDEX_SCHEMA
from neuromf.data.table_selection import select_from_table
from tests.support import layouts
from tests.support.command_line import run_command


@pytest.fixture
def index(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "data", "index", *arguments)


def test_a_folder_becomes_a_table_and_a_page(index, tmp_path):
    """Counts by data set and contrast, reasons with an example, and pictures of some scans; the table is trained on."""
    layouts.fomo(tmp_path / "in")
    ended = index("in", "--out", "cohort.csv")
    assert ended.returncode == 0, ended.stderr
    assert "5 scans of 3 subjects taken from" in ended.stdout
    assert "1 file left out, its name says PDw" in ended.stdout
    assert len(select_from_table(tmp_path / "cohort.csv").scans) == 5
    page = (tmp_path / "cohort.html").read_text()
    assert page.count("data:image/png") == 5
    for words in ("5 scans of 3 subjects", "PT001_OASIS1", "its name says T2w", "50x58x48", "4x4x4", "RAS"):
        assert words in page
    assert "https:" not in page.replace("http-equiv", "")


def test_a_cohort_without_contrast_in_its_names_is_said_to_be(index, tmp_path):
    """A scan that says nothing of its contrast is taken, and that is told."""
    layouts.scans(tmp_path / "in", "anna", "berta")
    ended = index("in")
    assert "2 scans of 2 subjects taken" in ended.stdout
    assert "2 an unknown contrast" in ended.stdout
    assert "not told by the name" in (tmp_path / "cohort.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "there is no such folder"),
        ([__file__], "is a file, not a folder"),
        (["in", "--layout", "brats"], "there is no layout 'brats'"),
        (["in", "--pattern", "("], "is no regular expression"),
        (["in", "--pattern", "(?P<person>.)"], "no group named subject"),
        (["in", "--pattern", "(?P<subject>.)(?P<age>.)"], "a group named 'age'"),
        (["in", "--pattern", "(?P<subject>zzz)"], "mend --pattern, which is looked for in paths such as the first"),
        (["in", "--pattern", "(?P<subject>a{99999999999})"], "is no regular expression"),
        (["in", "--layout", "ixi"], "give another --layout, or none"),
        (["in", "--desc", "preproc"], "ask for another --desc"),
        (["in", "--space", "MNI152"], "ask for another --space"),
        (["in", "--where", "age"], "is no condition"),
        (["in", "--out", "nowhere/cohort.csv"], "cannot be written"),
        (["in", "--out", "cohort.html"], "is the name of the page"),
        (["in", "--participants", "mine.tsv", "--out", "mine.tsv"], "would be overwritten"),
        (["in", "--participants", "nowhere.tsv"], "there is no such table"),
    ],
)
def test_wrong_usage_is_a_sentence(index, tmp_path, arguments, words):
    """Exit code 2, one sentence, and no file."""
    layouts.scans(tmp_path / "in", "anna")
    ended = index(*arguments)
    assert (ended.returncode, list(tmp_path.glob("*.csv")), list(tmp_path.glob("*.html"))) == (2, [], [])
    assert words in ended.stderr


def test_many_scans_are_read_by_several_processes(index, tmp_path):
    """The table is the one that one process makes."""
    layouts.scans(tmp_path / "in", *(f"person{number}" for number in range(18)))
    assert index("in", "--out", "one.csv", "--workers", "1").returncode == 0
    assert index("in", "--out", "two.csv", "--workers", "2").returncode == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_very_many_headers_are_read_by_several_processes_too(index, tmp_path, monkeypatch):
    """Without voxels a few thousand are read before such a process has started, and 100,000 take minutes."""
    layouts.scans(tmp_path / "in", *(f"person{number}" for number in range(5)))
    assert index("in", "--out", "one.csv", "--no-voxels").returncode == 0
    monkeypatch.setattr(build, "_FEW_HEADERS", 5)
    pools = []
    plain = build.worker_pool
    monkeypatch.setattr(build, "worker_pool", lambda processes: pools.append(processes) or plain(processes))
    assert index("in", "--out", "two.csv", "--no-voxels", "--workers", "2").returncode == 0
    assert pools == [2]
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_the_schema_refuses_a_table_whose_rows_contradict_themselves(tmp_path):
    """A row that is taken and has a reason is none that an index may write."""
    from neuromf.data.index.build import index_folder
    from neuromf.data.index.table import index_table

    table = index_table(index_folder(layouts.ixi(tmp_path / "in")))
    table.loc[0, "reason"] = "no"
    with pytest.raises(Exception, match="what is left out has a reason"):
        INDEX_SCHEMA.validate(table)
