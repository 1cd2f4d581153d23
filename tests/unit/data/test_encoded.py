"""Scans that were encoded once stay encoded: whatever ends an encoding, the next one does the rest."""

import os
import shutil

import pytest

from neuromf.data import encoded
from neuromf.data.cohort import discover_scans
from neuromf.data.encoded import EncodedScans
from neuromf.data.latents import encode_scans
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError, UnreadableError

SPLIT = {"split_ratios": (1.0, 0.0, 0.0), "split_seed": 0}


@pytest.fixture
def scans(tmp_path, cohort):
    """The scans of a copy of the cohort."""
    return discover_scans(shutil.copytree(cohort, tmp_path / "cohort"))


@pytest.fixture
def encode(tmp_path, preprocessing, codec, monkeypatch):
    """Encode scans, and give the store's hash and how many scans the autoencoder saw."""
    seen = []
    plain = type(codec).encode
    monkeypatch.setattr(type(codec), "encode", lambda self, x: seen.append(1) or plain(self, x))

    def run(scans, name="store", **options):
        seen.clear()
        kept = EncodedScans(tmp_path / "kept")
        store = encode_scans(scans, tmp_path / name, StoreSettings(preprocessing, codec, **SPLIT), kept=kept, **options)
        return store.description.content_hash, len(seen)

    run.seen = seen
    return run


@pytest.mark.law("DATA-007")
def test_what_is_kept_gives_the_same_store_and_is_not_encoded_again(scans, encode):
    """Byte for byte: manifest and description of the second store have the first one's hash."""
    first, count = encode(scans)
    assert count == 3
    assert encode(scans, "again") == (first, 0)


def test_a_kill_costs_only_what_was_not_done(scans, encode, tmp_path):
    """Stopped after two of three scans, by anything: the next encoding does one, and the store is as if undisturbed."""

    def stop(done, _total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(scans, on_progress=stop)
    assert [path.name for path in tmp_path.iterdir() if "store" in path.name] == []
    resumed = encode(scans)
    shutil.rmtree(tmp_path / "kept")
    assert resumed[1] == 1
    assert encode(scans, "undisturbed") == (resumed[0], 3)


def test_an_added_scan_alone_is_encoded(scans, encode):
    """The other two are there."""
    encode(scans[:2])
    assert encode(scans, "more")[1] == 1


@pytest.mark.law("DATA-004")
def test_all_bad_scans_are_named_at_once_and_the_good_one_is_kept(scans, encode):
    """One encoding tells of both; with them repaired the next one does only these."""
    repaired = [scan.path.read_bytes() for scan in scans[:2]]
    for scan in scans[:2]:
        scan.path.write_bytes(scan.path.read_bytes()[:1000])
    with pytest.raises(InputError, match="2 of 3 scans cannot be used") as caught:
        encode(scans)
    assert all(str(scan.path) in caught.value.sentence for scan in scans[:2])
    for scan, content in zip(scans, repaired, strict=False):
        scan.path.write_bytes(content)
    assert encode(scans)[1] == 2


@pytest.mark.law("DATA-007")
def test_a_kept_latent_that_is_damaged_is_encoded_again(scans, encode, tmp_path):
    """Its hash tells; so does a description that is cut short."""
    first, _ = encode(scans)
    latents = sorted((tmp_path / "kept").glob("*.safetensors"))
    damaged = bytearray(latents[0].read_bytes())
    damaged[-1] ^= 1
    latents[0].unlink()
    latents[0].write_bytes(damaged)
    latents[1].with_suffix(".json").write_text("{")
    assert encode(scans, "again") == (first, 2)


def test_a_kept_latent_that_cannot_be_read_is_not_replaced(scans, encode, monkeypatch):
    """Another user's file is told of, and left."""
    encode(scans)

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(UnreadableError, match="Permission denied"):
        encode(scans, "again")
    assert encode.seen == []


def test_a_store_on_another_file_system_holds_copies(scans, encode, tmp_path, monkeypatch):
    """Where no link can be made the files are copied; the kept ones stay, for another split needs them."""

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert encode(scans)[1] == 3
    kept = EncodedScans(tmp_path / "kept")
    assert kept.find(scans[0].path) is not None
    kept.give(scans[0].path, tmp_path / "copy")
    assert (tmp_path / "copy").is_file()
    assert encode(scans, "again")[1] == 0


def test_a_latent_that_cannot_get_its_name_leaves_nothing(scans, encode, tmp_path, monkeypatch):
    """What was written aside goes when the disk refuses the last step."""

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(encoded.os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        encode(scans)
    assert list((tmp_path / "kept").iterdir()) == []


def test_kept_files_can_be_read_by_others(scans, encode, tmp_path):
    """The umask decides, as for every file that a user makes."""
    before = os.umask(0o022)
    try:
        encode(scans)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_an_error_of_torch_is_not_taken_for_a_bad_scan(scans, encode, monkeypatch, codec):
    """Memory that runs out is nobody's scan: the error comes through, and what is done is kept."""
    plain = type(codec).encode

    def fail_at_the_third(self, x):
        if len(encode.seen) == 2:
            raise RuntimeError("out of memory")
        return plain(self, x)

    with monkeypatch.context() as patch:
        patch.setattr(type(codec), "encode", fail_at_the_third)
        with pytest.raises(RuntimeError, match="out of memory"):
            encode(scans)
    assert encode(scans)[1] == 1


def test_a_refusal_is_kept_in_a_folder_that_nobody_has_made(tmp_path):
    """The first scan of a cohort may be the bad one."""
    kept = EncodedScans(tmp_path / "not" / "there")
    kept.refuse("a" * 64, InputError("is empty", remedy="copy it again", key="scan"))
    found = kept.refusal(tmp_path / "scan.nii.gz", "a" * 64)
    assert (found.problem, found.remedy, found.key) == ("is empty", "copy it again", "scan")
    assert found.file == str(tmp_path / "scan.nii.gz")
