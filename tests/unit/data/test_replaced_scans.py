"""A file that takes another's place is noticed, though path, size and time of writing are the other's."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
import torch

from neuromf.data import cache, scan_hashes
from neuromf.data.cache import kept_scan_latents, scan_latents
from neuromf.data.cohort import Scan, discover_scans
from neuromf.data.encoded import EncodedScans
from neuromf.data.frozen_scans import freeze, read_scans, refuse_changed, write_scans
from neuromf.data.hash_notes import HashNotes
from neuromf.data.nifti import read_volume
from neuromf.data.preprocess import preprocess
from neuromf.data.scan_hashes import ScanHashes
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError, UnreadableError

pytestmark = pytest.mark.law("DATA-007")

SIZE = 200_000
SPLIT = {"split_ratios": (1.0, 0.0, 0.0), "split_seed": 0}


def write(path, place=None, *, rename=False):
    """A file of one size and one time; with another byte at a place, in it or as another file of its name."""
    content = bytearray(b"scan" * (SIZE // 4))
    if place is not None:
        content[place] ^= 1
    target = path.with_name("staging") if rename else path
    target.write_bytes(content)
    os.utime(target, (1e9, 1e9))
    os.replace(target, path)
    return path


def settle(monkeypatch):
    """Let the clock stand where states of files are old enough to be noted."""
    now = time.time_ns()
    monkeypatch.setattr(scan_hashes.time, "time_ns", lambda: now + 2 * scan_hashes.SETTLED_NS)


@pytest.mark.parametrize("rename", [False, True], ids=["in place", "renamed"])
@pytest.mark.parametrize("place", [0, SIZE // 2, SIZE - 1])
def test_every_use_of_a_scan_sees_that_it_is_another(tmp_path, monkeypatch, codec, preprocessing, place, rename):
    """One byte anywhere: the cache's name, the kept latent, the list of a run, and notes of former readings."""
    settle(monkeypatch)
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    names = []
    settings = StoreSettings(preprocessing, codec, **SPLIT)
    monkeypatch.setattr(cache, "cached_store", lambda name, build: names.append(name))
    monkeypatch.setattr(cache, "kept_entry", names.append)
    monkeypatch.setattr(cache, "encode_missing", lambda *_, **__: [])
    scan = Scan("sub-01", "sub-01_T1w", write(tmp_path / "sub-01_T1w.nii"))
    frozen, notes, hashes = freeze([scan]), tmp_path / "notes", ScanHashes(tmp_path / "notes")
    kept = EncodedScans(tmp_path / "kept", hashes)
    before = scan.path.stat()

    def uses():
        scan_latents([scan], settings)
        kept_scan_latents([scan], settings)
        return [*names[-2:], hashes.of(scan.path), ScanHashes(notes).of(scan.path), kept._latent(hashes.of(scan.path))]

    first = uses()
    assert uses() == first
    assert frozen[0].change() == ""
    time.sleep(0.02)  # a kernel's clock stands still so long, and a file must be left for so long to be another
    write(scan.path, place, rename=rename)
    after = scan.path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert all(old != new for old, new in zip(first, uses(), strict=True))
    assert frozen[0].change() == f"{scan.path} holds something else"
    write(scan.path)
    assert uses() == first
    assert frozen[0].change() == ""


def test_a_scan_is_read_once_while_its_file_is_left_alone(tmp_path, monkeypatch):
    """A note serves other processes; touched, the file is read again and is the same scan."""
    settle(monkeypatch)
    read, plain = [], scan_hashes.file_sha256
    monkeypatch.setattr(scan_hashes, "file_sha256", lambda path: read.append(path) or plain(path))
    path = write(tmp_path / "a.nii")
    notes = tmp_path / "cache" / "notes"
    first = ScanHashes(notes).of(path)
    assert ScanHashes(notes).of(path) == first
    assert len(read) == 1
    os.utime(path)
    hashes = ScanHashes(notes)
    assert [hashes.of(path), hashes.of(path), ScanHashes(notes).of(path)] == [first] * 3
    assert len(read) == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HashNotes, "add", lambda *_: pytest.fail("a note was written that is there"))
        ScanHashes(notes).of(path)


@pytest.mark.parametrize("note", [b"", b"{", b"\n", b"\xff", b"00000000 ", b"00000000 a b c d e f", b" " * 9 + b"\n"])
def test_a_damaged_note_is_no_note(tmp_path, monkeypatch, note):
    """The file is read, and the note written anew."""
    settle(monkeypatch)
    path = write(tmp_path / "a.nii")
    first = ScanHashes(tmp_path / "notes").of(path)
    (place,) = (tmp_path / "notes").iterdir()
    whole = place.read_bytes()
    place.write_bytes(note)
    assert ScanHashes(tmp_path / "notes").of(path) == first
    assert place.read_bytes() == note + whole


def test_notes_that_cannot_be_written_cost_no_run(tmp_path, monkeypatch):
    """Where the folder cannot be made the scan is read each time."""
    settle(monkeypatch)
    path = write(tmp_path / "a.nii")
    (tmp_path / "file").touch()
    assert ScanHashes(tmp_path / "file" / "notes").of(path) == ScanHashes().of(path)


def test_a_state_that_may_stand_for_two_contents_is_not_noted(tmp_path):
    """Written a moment ago, a file can be written again with the same times: nothing of it is remembered."""
    hashes = ScanHashes(tmp_path / "notes")
    hashes.of(write(tmp_path / "a.nii"))
    assert not (tmp_path / "notes").exists()
    assert hashes._known == {}


@pytest.mark.parametrize(("moment", "words"), [("read", "the scans were encoded"), ("encode", "it was read")])
def test_a_scan_written_while_it_is_encoded_is_refused(
    tmp_path, monkeypatch, cohort, preprocessing, codec, moment, words
):
    """No latent of the one is kept under the name of the other; once it is left alone the next encoding is whole."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    settings = StoreSettings(preprocessing, codec, **SPLIT)
    *scans, other = discover_scans(shutil.copytree(cohort, tmp_path / "scans"))
    owner, name = (cache, "_encode") if moment == "read" else (type(codec), "encode")
    plain, written = getattr(owner, name), []

    def overtaken(*arguments, **more):
        if not written:
            written.append(shutil.copy(other.path, scans[0].path))
        return plain(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, overtaken)
        with pytest.raises(InputError, match=f"was written while {words}"):
            scan_latents(scans, settings)
    store = scan_latents(scans, settings)
    volume = preprocess(read_volume(other.path), preprocessing)
    expected = codec.encode(torch.from_numpy(volume.data)[None, None])[0]
    assert store.raw(scans[0].scan_id).equal(expected)


def test_a_list_of_before_there_were_hashes_tells_by_the_time(tmp_path):
    """It is read as it is, and a file of another time counts as another."""
    scan = Scan("sub-01", "sub-01_T1w", write(tmp_path / "a.nii"))
    write_scans(tmp_path / "scans.csv", freeze([scan]))
    lines = (tmp_path / "scans.csv").read_text().splitlines()
    (tmp_path / "scans.csv").write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))
    (old,) = read_scans(tmp_path / "scans.csv")
    assert (old.sha256, old.change()) == ("", "")
    os.utime(scan.path, (1e9 + 3661, 1e9 + 3661))
    told = f"{scan.path} was written since (2001-09-09 02:47:41 UTC, not 2001-09-09 01:46:40 UTC)"
    assert old.change() == told
    with pytest.raises(InputError, match="1 of the 1 scans"):
        refuse_changed([old], tmp_path / "scans.csv")


def test_a_restored_scan_is_the_one_it_was(tmp_path):
    """A copy of a later time with the same content is no change."""
    scan = Scan("sub-01", "sub-01_T1w", write(tmp_path / "a.nii"))
    (frozen,) = freeze([scan])
    os.utime(scan.path)
    assert frozen.change() == ""
    with scan.path.open("ab") as stream:
        stream.write(b"more")
    assert "has another size" in frozen.change()
    scan.path.unlink()
    assert frozen.change() == f"{scan.path} is gone"


def test_a_file_written_while_it_is_hashed_has_no_hash(tmp_path, monkeypatch):
    """What was read may be half of each."""
    path = write(tmp_path / "a.nii")
    plain = scan_hashes.file_sha256
    monkeypatch.setattr(scan_hashes, "file_sha256", lambda path: (plain(path), path.write_bytes(b"other"))[0])
    with pytest.raises(InputError, match="was written while it was read"):
        ScanHashes(tmp_path / "notes").of(path)
    assert not (tmp_path / "notes").exists()


@pytest.mark.parametrize(("owner", "call"), [(scan_hashes, "file_sha256"), (Path, "stat")])
def test_a_scan_that_is_not_given_is_told_of(tmp_path, monkeypatch, owner, call):
    """No permission is a sentence with the file's name; a run's list takes it as unknown; a file may be gone, too."""
    path = write(tmp_path / "a.nii")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, refuse)
        with pytest.raises(UnreadableError, match="Permission denied") as caught:
            ScanHashes().of(path)
        assert caught.value.file == str(path)
    with monkeypatch.context() as patch:
        patch.setattr(scan_hashes, "file_sha256", refuse)
        assert freeze([Scan("a", "a", path)])[0].sha256 == ""
    path.unlink()
    with pytest.raises(InputError, match="there is no such file"):
        ScanHashes().of(path)
