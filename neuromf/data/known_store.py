"""A latent store that was opened before: what its hash vouches for is not judged anew.

A manifest is held to its schema when its store is made. Of 100,000 scans that takes most of a second of each start, and
a manifest of the same hash breaks no rule that it kept then.
"""

from __future__ import annotations

from pathlib import Path

import pandas

from neuromf.data.manifest import mean_columns, std_columns
from neuromf.data.store import LatentStore, open_latents, verify_statistics
from neuromf.data.store_description import content_hash, read_description
from neuromf.errors import UnreadableError


def reopen_latents(path: Path) -> LatentStore:
    """Open a store of the cache; no latent is read.

    Args:
        path: folder that `encode_scans` wrote and opened.

    Returns:
        What `open_latents` gives. A manifest whose hash is not the one in store.json is judged, and so refused.

    Raises:
        UnreadableError: the system does not give the manifest.
        InputError: as `open_latents`.
    """
    table = path / "manifest.csv"
    if not table.is_file():
        return open_latents(path, verify=False)
    description = read_description(path / "store.json")
    try:
        if content_hash(description, table) != description.content_hash:
            return open_latents(path, verify=False)
        store = LatentStore(path, _read(table, len(description.statistics.mean)), description)
    except OSError as error:
        raise UnreadableError.of(table, error) from error
    except ValueError:  # numbers that are none, under a hash that was made to fit: whoever judges it says so
        return open_latents(path, verify=False)
    verify_statistics(store)
    return store


def _read(table: Path, channels: int) -> pandas.DataFrame:
    """The rows as `read_manifest` gives them."""
    numbers = dict.fromkeys((*mean_columns(channels), *std_columns(channels)), "float64")
    texts = dict.fromkeys(pandas.read_csv(table, nrows=0).columns, "str")
    return pandas.read_csv(table, dtype=texts | numbers, keep_default_na=False, encoding_errors="surrogateescape")
