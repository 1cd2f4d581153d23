"""A store of the cache is opened without judging its manifest anew, and gives what the whole judgement gives."""

from __future__ import annotations

import json

import pandas
import pytest

from neuromf.data import known_store, store
from neuromf.data.cache_entry import sound_store
from neuromf.data.known_store import reopen_latents
from neuromf.data.latents import open_latents
from neuromf.data.store_description import content_hash, read_description
from neuromf.errors import InputError


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def vouch(folder):
    """Let store.json vouch for the manifest as it is now."""
    facts = json.loads((folder / "store.json").read_text())
    facts["content_hash"] = content_hash(read_description(folder / "store.json"), folder / "manifest.csv")
    (folder / "store.json").write_text(json.dumps(facts))


def test_a_manifest_is_read_as_it_is_when_it_is_judged(store_folder):
    """The same columns, kinds and digits."""
    pandas.testing.assert_frame_equal(
        reopen_latents(store_folder).manifest, open_latents(store_folder).manifest, check_exact=True
    )


def test_a_manifest_of_the_hash_it_had_is_not_judged_again(store_folder, monkeypatch):
    """That takes most of a second of 100,000 scans."""
    monkeypatch.setattr(store, "read_manifest", lambda path: pytest.fail("it was judged"))
    assert reopen_latents(store_folder).manifest["scan_id"].tolist()


@pytest.mark.law("DATA-007")
@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("manifest.csv", ",validation,", ",test,", "altered after encoding"),
        ("manifest.csv", ",validation,", ",tested,", "isin"),
        ("store.json", '"split_seed": 42', '"split_seed": 43', "altered after encoding"),
        ("store.json", '"mean": [\n      ', '"mean": [\n      9', "not those of the training split"),
    ],
)
def test_what_was_altered_is_judged_and_refused(store_folder, file, old, new, words):
    """A hash that does not fit vouches for nothing."""
    edit(store_folder / file, old, new)
    with pytest.raises(InputError, match=words):
        reopen_latents(store_folder)


def test_a_number_that_is_none_is_told_though_the_hash_fits(store_folder):
    """Somebody wrote both files by hand."""
    table = store_folder / "manifest.csv"
    cells = table.read_text().splitlines()[1].split(",")
    edit(table, cells[-1], "high")
    vouch(store_folder)
    with pytest.raises(InputError, match="'high' breaks"):
        reopen_latents(store_folder)


def test_statistics_of_another_split_are_refused_though_the_hash_fits(store_folder):
    """DATA-001 is asked whenever a store is opened."""
    edit(store_folder / "store.json", '"mean": [\n      ', '"mean": [\n      9')
    vouch(store_folder)
    with pytest.raises(InputError, match="not those of the training split"):
        reopen_latents(store_folder)


@pytest.mark.parametrize("name", ["manifest.csv", "store.json"])
def test_a_store_that_lacks_a_file_is_none(store_folder, name):
    """It is made again."""
    assert sound_store(store_folder.parent) is not None
    (store_folder / name).unlink()
    assert sound_store(store_folder.parent) is None


def test_the_cache_opens_stores_so(store_folder, monkeypatch):
    """This is the way of every start."""
    opened = []
    monkeypatch.setattr(known_store, "verify_statistics", opened.append)
    sound_store(store_folder.parent)
    assert len(opened) == 1
