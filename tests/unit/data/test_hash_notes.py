"""Notes of hashes: one file that many processes append to, of which only whole lines count."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from neuromf.data.content import content_key
from neuromf.data.hash_notes import NOTES_FILE, HashNotes

pytestmark = pytest.mark.law("DATA-007")

STATE = ("/scans/one T1w.nii.gz", 10, 20, 30, 40)
DIGEST = "0123456789abcdef" * 4


def state_of(number):
    return (f"/scans/{number}.nii.gz", number, 20, 30, 40)


@pytest.mark.parametrize("place", range(1, 5))
def test_a_note_serves_the_state_it_was_made_of_alone(tmp_path, place):
    """Another size, inode or time is another file."""
    HashNotes(tmp_path).add(STATE, DIGEST)
    assert HashNotes(tmp_path).find(STATE) == DIGEST
    other = tuple(value + 1 if index == place else value for index, value in enumerate(STATE))
    assert HashNotes(tmp_path).find(other) == ""


@pytest.mark.parametrize("path", ["/a\nb", "/a\\nb", "/a b", "/\udcff", "/" + "x" * 900])
def test_every_path_has_a_note_of_its_own(tmp_path, path):
    """Ends of lines, backslashes, blanks and bytes that are no text."""
    HashNotes(tmp_path).add((path, *STATE[1:]), DIGEST)
    again = HashNotes(tmp_path)
    assert again.find((path, *STATE[1:])) == DIGEST
    assert again.find(("/a", *STATE[1:])) == ""


def test_what_another_process_notes_is_found(tmp_path):
    """Also by one that has read the file before."""
    first, second = HashNotes(tmp_path), HashNotes(tmp_path)
    first.add(state_of(1), DIGEST)
    assert second.find(state_of(1)) == DIGEST
    first.add(state_of(2), DIGEST)
    assert second.find(state_of(2)) == DIGEST


def test_a_later_note_of_a_path_goes_before_an_earlier_one(tmp_path):
    """The file was written again."""
    notes = HashNotes(tmp_path)
    notes.add(STATE, DIGEST)
    notes.add((STATE[0], 11, *STATE[2:]), DIGEST[::-1])
    assert HashNotes(tmp_path).find((STATE[0], 11, *STATE[2:])) == DIGEST[::-1]
    assert HashNotes(tmp_path).find(STATE) == ""


def test_a_line_that_was_torn_or_mixed_is_no_note_and_costs_no_other(tmp_path):
    """Cut anywhere, or with a byte of another: the next note is whole."""
    notes = HashNotes(tmp_path)
    notes.add(state_of(1), DIGEST)
    file = tmp_path / NOTES_FILE
    whole = file.read_bytes()
    for cut in range(1, len(whole) - 1):
        file.write_bytes(whole[:cut])
        HashNotes(tmp_path).add(state_of(2), DIGEST)
        again = HashNotes(tmp_path)
        assert (again.find(state_of(1)), again.find(state_of(2))) == ("", DIGEST)
    for place in range(1, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert HashNotes(tmp_path).find(state_of(1)) == ""


def test_writers_at_once_lose_no_note(tmp_path):
    """Eight of them, fifty notes each."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: HashNotes(tmp_path).add(state_of(n), f"{n:064d}"), range(400)))
    notes = HashNotes(tmp_path)
    assert [notes.find(state_of(number)) for number in range(400)] == [f"{number:064d}" for number in range(400)]


def test_a_note_of_an_earlier_version_is_read_and_noted_anew(tmp_path):
    """It was a file for each scan, under the path with its links followed."""
    (tmp_path / "scan").touch()
    (tmp_path / "link").symlink_to("scan")
    real = [str(tmp_path / "scan"), *STATE[1:]]
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / f"{content_key(real[0])[:32]}.json").write_text(json.dumps({"state": real, "sha256": DIGEST}))
    assert HashNotes(notes).find((str(tmp_path / "link"), *STATE[1:])) == DIGEST
    for old in notes.glob("*.json"):
        old.unlink()
    assert HashNotes(notes).find((str(tmp_path / "link"), *STATE[1:])) == DIGEST
