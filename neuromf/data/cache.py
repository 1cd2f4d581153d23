"""Latent stores made once and kept under the hash of everything that decides them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas
import torch

from neuromf.data.cache_entry import cache_directory, cached_store, kept_entry
from neuromf.data.claims import Claims
from neuromf.data.code_facts import DEMONSTRATION, ENCODING, STORING, code_facts
from neuromf.data.cohort import Scan, Selection, discover_scans, select_scans
from neuromf.data.cohort_table import COHORT_FILE, describe_selection, write_cohort
from neuromf.data.content import content_key
from neuromf.data.demo import build_demo_cohort
from neuromf.data.encode_job import POLL_S
from neuromf.data.encoded import EncodedScans
from neuromf.data.latents import encode_missing, encode_scans
from neuromf.data.preprocess import Preprocessing
from neuromf.data.quarantine import QUARANTINE_FILE, Quarantined, most_quarantined, write_quarantine
from neuromf.data.scan_hashes import ScanHashes
from neuromf.data.splits import split_scans
from neuromf.data.store import open_latents
from neuromf.errors import InputError
from neuromf.nets.tiling import WHOLE, Tiling
from neuromf.nets.vae import LatentCodec, load_vae
from neuromf.nets.vae_source import VaeSource

__all__ = [
    "cache_directory",
    "content_key",
    "demo_latents",
    "folder_latents",
    "kept_scan_latents",
    "scan_hashes",
    "scan_latents",
]

HASHES = "hashes"
"""Folder of the cache with notes of the hashes of scans."""


def demo_latents(
    subjects: int,
    seed: int,
    preprocessing: Preprocessing,
    codec_name: str | VaeSource,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
    tiling: Tiling = WHOLE,
    workers: int | None = 0,
    device: torch.device | str = "cpu",
) -> Path:
    """Give the latent store of a demonstration cohort, making it only if it is not in the cache or damaged there.

    Args:
        subjects: heads of the cohort.
        seed: of the cohort.
        preprocessing: of every scan.
        codec_name: "demo" or an autoencoder file, or what a configuration says of it, see `load_vae`.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        on_progress: called with (done, total), where making and encoding a subject count one each.
        tiling: in which parts a scan goes through the autoencoder.
        workers: processes that prepare scans ahead; 0 prepares them here, None chooses.
        device: where the autoencoder computes.

    Returns:
        Path of the store, verified; the cohort lies beside it in `cohort`.

    Raises:
        InputError: if an argument is bad or the cache cannot be written.
    """
    codec = load_vae(codec_name).tiled(tiling).to(device)
    split = _Split(split_ratios, split_seed)
    report = on_progress or _ignore

    def build(folder: Path) -> None:
        cohort = build_demo_cohort(folder / "cohort", subjects, seed, lambda done, total: report(done, 2 * total))
        scans = discover_scans(cohort)
        report_encoding = lambda done, total: report(total + done, 2 * total)  # noqa: E731
        _encode(scans, folder, preprocessing, codec, split, report_encoding, workers=workers)

    code = code_facts([*ENCODING, *STORING, *DEMONSTRATION])
    name = _name("demo", code, subjects, seed, preprocessing, codec.fingerprint, codec.tiling, split)
    return cached_store(name, build)


def folder_latents(
    root: Path,
    preprocessing: Preprocessing,
    codec_name: str | VaeSource,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Give the latent store of the scans that `select_scans` takes from a folder; see `scan_latents`."""
    selection = select_scans(root)
    return scan_latents(
        selection.scans, preprocessing, codec_name, split_ratios=split_ratios, split_seed=split_seed,
        on_progress=on_progress, selection=selection, tell=tell,
    )  # fmt: skip


def scan_latents(
    scans: Sequence[Scan],
    preprocessing: Preprocessing,
    codec_name: str | VaeSource,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
    selection: Selection | None = None,
    tell: Callable[[str], None] | None = None,
    splits: Mapping[str, str] | None = None,
    tiling: Tiling = WHOLE,
    workers: int | None = 0,
    max_quarantined: float = 0.0,
    device: torch.device | str = "cpu",
) -> Path:
    """Give the latent store of a user's scans, encoding them only if it is not in the cache or damaged there.

    A scan is known by its content, wherever it lies; see `neuromf.data.scan_hashes` for how often it is read.

    Args:
        scans: what is encoded, each with an id of its own.
        preprocessing: of every scan.
        codec_name: "demo" or an autoencoder file, or what a configuration says of it, see `load_vae`.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        on_progress: called with (done, scans) after each scan.
        selection: where the scans are from; its table is kept in a store that is made.
        tell: called, before the first scan is encoded, with each sentence on what is taken, left out and doubtful.
        splits: split by subject, where it was decided before, as that of a run that goes on.
        tiling: in which parts a scan goes through the autoencoder.
        workers: processes that prepare scans while others are encoded; 0 prepares them here, None chooses.
        max_quarantined: share of the scans that may be left out because they cannot be used.
        device: where the autoencoder computes.

    Returns:
        Path of the store, verified.

    Raises:
        InputError: if an argument is bad, too many scans are, or the cache cannot be written.
    """
    codec, hashes = load_vae(codec_name).tiled(tiling).to(device), scan_hashes()
    kept = encoded_scans(preprocessing, codec)
    most = most_quarantined(max_quarantined, len(scans))
    tables: list[pandas.DataFrame] = []

    def describe() -> None:
        if selection is not None and not tables:
            tables.append(describe_selection(selection, tell))

    found = encode_missing(
        scans, kept, preprocessing, codec, on_progress=on_progress, workers=workers, most_quarantined=most,
        before_first=describe,
    )  # fmt: skip
    usable = _without(scans, found)
    split = _Split(split_ratios, split_seed, splits or split_scans(usable, split_ratios, split_seed))
    name = _scans_name(usable, hashes, preprocessing, codec, split)

    def build(folder: Path) -> None:
        describe()
        _encode(usable, folder, preprocessing, codec, split, _ignore, kept)
        if _scans_name(usable, hashes, preprocessing, codec, split) != name:
            remedy = "repeat when no scan is written any more; what is encoded is kept"
            raise InputError("a scan was written while the scans were encoded", remedy=remedy, key="data.root")
        if tables:
            write_cohort(folder / "latents" / COHORT_FILE, tables[0])
        if found:
            write_quarantine(folder / "latents" / QUARANTINE_FILE, found)

    with Claims(kept.folder / "stores") as claims:
        while not claims.take(name):  # one makes the store, with a link for every scan; the others find it
            time.sleep(POLL_S)
        store = cached_store(name, build)
    if tell is not None and not codec.scale_known:
        factor = open_latents(store, verify=False).description.unit_scale_factor
        tell(f"{codec_name} says no scale factor: 1 / std of its training latents is {factor:.4g}, kept in store.json")
    return store


def encoded_scans(preprocessing: Preprocessing, codec: LatentCodec) -> EncodedScans:
    """Where the cache keeps scans that were encoded alike."""
    alike = content_key([code_facts(ENCODING), preprocessing, codec.fingerprint, codec.tiling])
    return EncodedScans(cache_directory() / "scans" / alike[:32], scan_hashes())


def _without(scans: Sequence[Scan], found: Sequence[Quarantined]) -> list[Scan]:
    aside = {one.scan.scan_id for one in found}
    return [scan for scan in scans if scan.scan_id not in aside]


def kept_scan_latents(
    scans: Sequence[Scan],
    preprocessing: Preprocessing,
    codec_name: str | VaeSource,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    tiling: Tiling = WHOLE,
    max_quarantined: float = 0.0,
) -> Path | None:
    """The store that `scan_latents` would give without encoding anything; None where it would have to.

    No latent is opened: `StoredLatents` compares each with its hash when it reads it.

    Raises:
        InputError: the autoencoder or a scan cannot be read.
    """
    codec, hashes = load_vae(codec_name).tiled(tiling), scan_hashes()
    kept = encoded_scans(preprocessing, codec)
    usable = [scan for scan in scans if kept.refusal(scan.path, hashes.of(scan.path)) is None]
    if not len(scans) - len(usable) <= most_quarantined(max_quarantined, len(scans)) or not usable:
        return None
    split = _Split(split_ratios, split_seed, split_scans(usable, split_ratios, split_seed))
    return kept_entry(_scans_name(usable, hashes, preprocessing, codec, split))


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


def _scans_name(
    scans: Sequence[Scan], hashes: ScanHashes, preprocessing: Preprocessing, codec: LatentCodec, split: _Split
) -> str:
    # What decides a scan's part of a store: its content, and what the manifest says of whose it is.
    of = split.of or {}
    known = [[hashes.of(scan.path), scan.subject, scan.scan_id, of.get(scan.subject)] for scan in scans]
    how = (codec.fingerprint, codec.tiling, split.ratios, split.seed)
    return _name("folder", code_facts([*ENCODING, *STORING]), known, preprocessing, *how)


def _name(kind: str, *facts: object) -> str:
    return f"{kind}-{content_key(facts)[:32]}"


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""


def _encode(
    scans: Sequence[Scan],
    folder: Path,
    preprocessing: Preprocessing,
    codec: LatentCodec,
    split: _Split,
    report: Callable[[int, int], None],
    kept: EncodedScans | None = None,
    workers: int | None = 0,
) -> None:
    encode_scans(
        scans,
        folder / "latents",
        preprocessing,
        codec,
        split_ratios=split.ratios,
        split_seed=split.seed,
        on_progress=report,
        kept=kept,
        splits=split.of,
        workers=workers,
    )
