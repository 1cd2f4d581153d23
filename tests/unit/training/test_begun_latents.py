"""What a run begins with: the store of the cache, also where the cache cannot be written, and no other scans' store."""

from __future__ import annotations

import shutil

import pytest

from neuromf.data import cache
from neuromf.data.cohort import discover_scans
from neuromf.errors import InputError
from neuromf.training.latents import frozen
from neuromf.training.latents.store import encoded_store
from tests.support.bad_scans import write_good
from tests.support.tiny_run import make_tiny_config
from tests.support.unprivileged import shared_folder, without_privilege


@pytest.fixture
def encoded(monkeypatch):
    """A folder that all may read, with scans and a cache that holds their store; and what a run began with there."""
    with shared_folder() as folder:
        write_good(folder / "scans", 4)
        monkeypatch.setenv("NEUROMF_CACHE", str(folder / "cache"))
        keys = ("data.source=folder", f"data.root={folder / 'scans'}", "data.spacing_mm=8.0", "vae.checkpoint=demo")
        yield folder, keys, frozen.begin(make_tiny_config(*keys))


@pytest.fixture
def locked(encoded):
    """The same, where nobody may write into the cache, and as another process sees it."""
    folder, keys, begun = encoded
    for path in [folder / "cache", *(folder / "cache").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    cache._hashes_in.cache_clear()
    with without_privilege():
        yield folder, keys, begun


@pytest.mark.law("DATA-007")
def test_a_store_in_a_cache_that_cannot_be_written_serves(locked):
    """A run begins with the very store, and another process that only looks finds it too."""
    _, keys, begun = locked
    again = frozen.begin(make_tiny_config(*keys))
    assert again.store.path == begun.store.path
    assert again.scans == begun.scans
    found = encoded_store(make_tiny_config(*keys))
    assert found is not None
    assert found.path == begun.store.path


@pytest.mark.law("DATA-007")
def test_a_store_of_other_scans_is_no_beginning(encoded, monkeypatch):
    """Where a scan is another by the time that its hash is kept, the run does not begin with latents of the former."""
    folder, keys, begun = encoded
    config = make_tiny_config(*keys)
    monkeypatch.setattr(frozen, "training_store", lambda *_, **__: begun.store)
    first, second, *_ = discover_scans(folder / "scans")
    shutil.copy(first.path, second.path)
    with pytest.raises(InputError, match="a scan was written while the scans were encoded"):
        frozen.begin(config)
