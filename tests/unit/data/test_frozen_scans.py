"""The list of scans that a run began with."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.data.cohort import Scan
from neuromf.data.frozen_scans import FrozenScan, freeze, read_scans, refuse_changed, write_scans
from neuromf.errors import InputError

names = st.binary(min_size=1, max_size=12).filter(lambda raw: b"\0" not in raw).map(os.fsdecode)


@given(names=st.lists(names, min_size=1, max_size=4), size=st.integers(0, 2**62), written=st.integers(-(2**62), 2**62))
def test_every_name_that_a_file_can_have_is_read_back(tmp_path_factory, names, size, written):
    """Quotes, commas, ends of lines, and bytes that are no UTF-8; numbers of 62 bits to the last."""
    table = tmp_path_factory.mktemp("list") / "scans.csv"
    root = tmp_path_factory.getbasetemp()
    scans = [FrozenScan(Scan(n, f"{i}", root / "x" / n), size, written) for i, n in enumerate(names)]
    write_scans(table, scans)
    assert read_scans(table) == scans


def test_what_a_later_version_knows_of_a_scan_is_read_over(tmp_path):
    """A column that this version has no place for does not make the list unreadable."""
    scans = [FrozenScan(Scan("sub-1", "a", tmp_path / "a.nii"), 1, 2)]
    write_scans(tmp_path / "scans.csv", scans)
    head, row = (tmp_path / "scans.csv").read_text().splitlines()
    (tmp_path / "scans.csv").write_text(f'{head},"new"\n{row},"x"\n')
    assert read_scans(tmp_path / "scans.csv") == scans


@pytest.mark.parametrize(
    ("old", "new"),
    [('"1"', '"-1"'), ('"1"', '"x"'), ('"a"', '""'), ('"mtime_ns"', '"time"'), ("/", "."), ('"subject"', '"')],
)
def test_a_damaged_list_is_refused_with_its_name(tmp_path, old, new):
    """One sentence that names the file."""
    table = tmp_path / "scans.csv"
    write_scans(table, [FrozenScan(Scan("sub-1", "a", tmp_path / "b.nii"), 1, 2)])
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match="restore the file") as caught:
        read_scans(table)
    assert str(table) in caught.value.sentence


def test_of_many_changed_scans_three_are_named_and_all_are_counted(tmp_path):
    """One sentence stays one sentence."""
    paths = [tmp_path / f"{index}.nii" for index in range(5)]
    for path in paths:
        path.write_bytes(b"scan")
    frozen = freeze([Scan(path.stem, path.stem, path) for path in paths])
    refuse_changed(frozen, tmp_path / "scans.csv")
    for path in paths:
        path.unlink()
    with pytest.raises(InputError, match="5 of the 5 scans") as caught:
        refuse_changed(frozen, tmp_path / "scans.csv")
    assert caught.value.sentence.count("is gone") == 3
    assert "and 2 more" in caught.value.sentence


def test_paths_are_frozen_from_the_root(tmp_path, monkeypatch):
    """A list made in one folder means the same in another."""
    (tmp_path / "a.nii").write_bytes(b"scan")
    monkeypatch.chdir(tmp_path)
    (frozen,) = freeze([Scan("a", "a", (tmp_path / "a.nii").relative_to(tmp_path))])
    assert frozen.scan.path == tmp_path / "a.nii"
