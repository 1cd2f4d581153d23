"""Latent stores made once and kept under the hash of everything that decides them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pandas

from neuromf.data.cache_entry import cache_directory, cached_store, kept_entry, sound_store
from neuromf.data.claims import Claims
from neuromf.data.code_facts import DEMONSTRATION, ENCODING, STORING, code_facts
from neuromf.data.cohort import Scan, Selection, discover_scans, select_scans
from neuromf.data.cohort_table import COHORT_FILE, describe_selection, write_cohort
from neuromf.data.content import content_key
from neuromf.data.demo import build_demo_cohort
from neuromf.data.encode_job import POLL_S
from neuromf.data.encoded import FEW, EncodedScans, place_of
from neuromf.data.first_look import FirstLook, look_at
from neuromf.data.latents import encode_missing, encode_scans
from neuromf.data.preprocess import Preprocessing
from neuromf.data.quarantine import QUARANTINE_FILE, Quarantined, most_quarantined, write_quarantine
from neuromf.data.scan_hashes import ScanHashes
from neuromf.data.splits import split_scans
from neuromf.data.store import LatentStore
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError
from neuromf.nets.vae import LatentCodec

__all__ = [
    "cache_directory",
    "content_key",
    "demo_latents",
    "folder_latents",
    "is_of",
    "kept_scan_latents",
    "scan_hashes",
    "scan_latents",
    "written_meanwhile",
]

HASHES = "hashes"
"""Folder of the cache with notes of the hashes of scans."""


def demo_latents(
    subjects: int, seed: int, settings: StoreSettings, *, on_progress: Callable[[int, int], None] | None = None
) -> LatentStore:
    """Give the latent store of a demonstration cohort, making it only if it is not in the cache or damaged there.

    Args:
        subjects: heads of the cohort.
        seed: of the cohort.
        settings: how they are encoded.
        on_progress: called with (done, total), where making and encoding a subject count one each.

    Returns:
        The store, verified; the cohort lies beside it in `cohort`.

    Raises:
        InputError: if an argument is bad or the cache cannot be written.
    """
    report = on_progress or _ignore

    def build(folder: Path) -> None:
        cohort = build_demo_cohort(folder / "cohort", subjects, seed, lambda done, total: report(done, 2 * total))
        scans = discover_scans(cohort)
        _encode(scans, folder, settings, None, lambda done, total: report(total + done, 2 * total))

    code = code_facts([*ENCODING, *STORING, *DEMONSTRATION])
    codec, split = settings.codec, _Split(settings.split_ratios, settings.split_seed)
    name = _name("demo", code, subjects, seed, settings.preprocessing, codec.fingerprint, codec.tiling, split)
    return _made_once(name, build, cache_directory() / "claims")


def folder_latents(
    root: Path,
    settings: StoreSettings,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> LatentStore:
    """Give the latent store of the scans that `select_scans` takes from a folder; see `scan_latents`."""
    selection = select_scans(root)
    return scan_latents(selection.scans, settings, on_progress=on_progress, selection=selection, tell=tell)


def scan_latents(
    scans: Sequence[Scan],
    settings: StoreSettings,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    selection: Selection | None = None,
    tell: Callable[[str], None] | None = None,
    look: FirstLook | None = None,
    splits: Mapping[str, str] | None = None,
) -> LatentStore:
    """Give the latent store of a user's scans, encoding them only if it is not in the cache or damaged there.

    A scan is known by its content, wherever it lies; see `neuromf.data.scan_hashes` for how often it is read.

    Args:
        scans: what is encoded, each with an id of its own.
        settings: how they are encoded.
        on_progress: called with (done, scans) after each scan.
        selection: where the scans are from; its table is kept in a store that is made.
        tell: called, before the first scan is encoded, with each sentence on what is taken, left out and doubtful.
        look: what a look at the scans just gave, where there was one.
        splits: what `split_scans` gives of all scans, where it was asked already.

    Returns:
        The store, verified; of the scans as they were when they were looked at, if all were encoded then.

    Raises:
        InputError: if an argument is bad, too many scans are, or the cache cannot be written.
    """
    kept = encoded_scans(settings.preprocessing, settings.codec)
    tables: list[pandas.DataFrame] = []

    def describe() -> None:
        if selection is not None and not tables:
            tables.append(describe_selection(selection, tell))

    look = look or look_for(scans, settings, splits)
    if look.store is not None:
        return _told(look.store, settings, tell)
    found: list[Quarantined] = []
    if not look.complete:
        found = encode_missing(scans, kept, settings, on_progress=on_progress, before_first=describe)
    usable = _without(scans, found)
    ratios, seed = settings.split_ratios, settings.split_seed
    known = settings.splits or (None if found else splits)
    decided = replace(settings, splits=known or split_scans(usable, ratios, seed))
    digests = [look.digests[scan.scan_id] for scan in scans] if look.complete else _digests(usable)
    name = _scans_name(usable, digests, decided)

    def build(folder: Path) -> None:
        describe()
        _encode(usable, folder, decided, kept, _ignore)
        if _scans_name(usable, _digests(usable), decided) != name:
            raise written_meanwhile()
        if tables:
            write_cohort(folder / "latents" / COHORT_FILE, tables[0])
        if found:
            write_quarantine(folder / "latents" / QUARANTINE_FILE, found)

    return _told(_made_once(name, build, kept.folder / "stores"), settings, tell)


def look_for(
    scans: Sequence[Scan],
    settings: StoreSettings,
    splits: Mapping[str, str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FirstLook:
    """Look for the latents of scans, all together and one by one; see `neuromf.data.first_look`.

    Args:
        scans: the cohort.
        settings: how they are encoded.
        splits: what `split_scans` gives of them, where it was asked already.
        on_progress: called with (done, scans) where scans are read.

    Raises:
        UnreadableError: the latents are there, and the system does not give them.
    """
    look = look_at(scans, encoded_scans(settings.preprocessing, settings.codec), on_progress)
    digests = [look.digests[scan.scan_id] for scan in scans]
    if not all(digests):
        return look
    splits = settings.splits or splits or split_scans(scans, settings.split_ratios, settings.split_seed)
    name = _scans_name(scans, digests, replace(settings, splits=splits))
    return replace(look, store=sound_store(cache_directory() / name))


def _told(store: LatentStore, settings: StoreSettings, tell: Callable[[str], None] | None) -> LatentStore:
    """A store, and the scale factor of an autoencoder that does not say its own."""
    if tell is not None and not settings.codec.scale_known:
        factor = store.description.unit_scale_factor
        tell(
            f"the autoencoder says no scale factor: 1 / std of its training latents is {factor:.4g}, kept in store.json"
        )
    return store


def encoded_scans(preprocessing: Preprocessing, codec: LatentCodec) -> EncodedScans:
    """Where the cache keeps scans that were encoded alike."""
    alike = content_key([code_facts(ENCODING), preprocessing, codec.fingerprint, codec.tiling])
    return EncodedScans(cache_directory() / "scans" / alike[:32], scan_hashes())


def _made_once(name: str, build: Callable[[Path], None], claimed: Path) -> LatentStore:
    """The entry of a name, which one of several processes makes and the others wait for; `claimed` is where it says so.

    A cache that holds the entry need not be writable.
    """
    if (store := sound_store(cache_directory() / name)) is not None:
        return store
    with Claims(claimed) as claims:
        while not claims.take(name):
            time.sleep(POLL_S)
        return cached_store(name, build)


def _without(scans: Sequence[Scan], found: Sequence[Quarantined]) -> list[Scan]:
    aside = {one.scan.scan_id for one in found}
    return [scan for scan in scans if scan.scan_id not in aside]


def kept_scan_latents(scans: Sequence[Scan], settings: StoreSettings) -> LatentStore | None:
    """The store that `scan_latents` would give without encoding anything; None where it would have to.

    No latent is opened: `StoredLatents` compares each with its hash when it reads it. Of a large cohort no scan is
    read: where the hash of one is not noted, the cohort counts as not encoded.

    Raises:
        InputError: a scan cannot be read.
    """
    hashes = scan_hashes()
    digests = [hashes.of(scan.path) if len(scans) <= FEW else hashes.noted(scan.path) for scan in scans]
    if not all(digests):
        return None
    refused = encoded_scans(settings.preprocessing, settings.codec).survey().refused
    known = [(scan, digest) for scan, digest in zip(scans, digests, strict=True) if place_of(digest) not in refused]
    if not len(scans) - len(known) <= most_quarantined(settings.max_quarantined, len(scans)) or not known:
        return None
    usable = [scan for scan, _ in known]
    splits = split_scans(usable, settings.split_ratios, settings.split_seed)
    return kept_entry(_scans_name(usable, [digest for _, digest in known], replace(settings, splits=splits)))


def is_of(store: LatentStore, scans: Sequence[Scan], digests: Sequence[str], settings: StoreSettings) -> bool:
    """Whether a store of the cache is that of scans of these contents."""
    splits = dict(zip(store.manifest["subject"], store.manifest["split"], strict=True))
    return store.path.parent.name == _scans_name(scans, digests, replace(settings, splits=splits))


def written_meanwhile() -> InputError:
    """A latent may be another scan's than that which lies in its place now."""
    remedy = "repeat when no scan is written any more; what is encoded is kept"
    return InputError("a scan was written while the scans were encoded", remedy=remedy, key="data.root")


def scan_hashes() -> ScanHashes:
    """Hashes of scans, noted in the cache; the same object throughout a process, which then reads each scan once."""
    return _hashes_in(cache_directory() / HASHES)


@cache
def _hashes_in(folder: Path) -> ScanHashes:
    return ScanHashes(folder)


@dataclass(frozen=True)
class _Split:
    ratios: tuple[float, float, float]
    seed: int
    of: Mapping[str, str] | None = None


def _digests(scans: Sequence[Scan]) -> list[str]:
    hashes = scan_hashes()
    return [hashes.of(scan.path) for scan in scans]


def _scans_name(scans: Sequence[Scan], digests: Sequence[str], settings: StoreSettings) -> str:
    # What decides a scan's part of a store: its content, and what the manifest says of whose it is.
    of = settings.splits or {}
    known = [
        [digest, scan.subject, scan.scan_id, of.get(scan.subject)] for scan, digest in zip(scans, digests, strict=True)
    ]
    codec = settings.codec
    how = (codec.fingerprint, codec.tiling, settings.split_ratios, settings.split_seed)
    return _name("folder", code_facts([*ENCODING, *STORING]), known, settings.preprocessing, *how)


def _name(kind: str, *facts: object) -> str:
    return f"{kind}-{content_key(facts)[:32]}"


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""


def _encode(
    scans: Sequence[Scan],
    folder: Path,
    settings: StoreSettings,
    kept: EncodedScans | None,
    report: Callable[[int, int], None],
) -> None:
    encode_scans(scans, folder / "latents", settings, on_progress=report, kept=kept)
