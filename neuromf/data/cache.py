"""Latent stores made once and kept under the hash of everything that decides them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neuromf.data.cache_entry import cache_directory, cached_store, kept_entry
from neuromf.data.code_facts import DEMONSTRATION, ENCODING, STORING, code_facts
from neuromf.data.cohort import Scan, Selection, discover_scans, select_scans
from neuromf.data.cohort_table import COHORT_FILE, describe_selection, write_cohort
from neuromf.data.content import content_key
from neuromf.data.demo import build_demo_cohort
from neuromf.data.encoded import EncodedScans
from neuromf.data.latents import encode_scans
from neuromf.data.preprocess import Preprocessing
from neuromf.data.scan_hashes import ScanHashes
from neuromf.data.store import open_latents
from neuromf.errors import InputError
from neuromf.nets.vae import LatentCodec, load_vae

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
    codec_name: str,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Give the latent store of a demonstration cohort, making it only if it is not in the cache or damaged there.

    Args:
        subjects: heads of the cohort.
        seed: of the cohort.
        preprocessing: of every scan.
        codec_name: "demo" or an autoencoder file, see `load_vae`.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        on_progress: called with (done, total), where making and encoding a subject count one each.

    Returns:
        Path of the store, verified; the cohort lies beside it in `cohort`.

    Raises:
        InputError: if an argument is bad or the cache cannot be written.
    """
    codec = load_vae(codec_name)
    split = _Split(split_ratios, split_seed)
    report = on_progress or _ignore

    def build(folder: Path) -> None:
        cohort = build_demo_cohort(folder / "cohort", subjects, seed, lambda done, total: report(done, 2 * total))
        scans = discover_scans(cohort)
        _encode(scans, folder, preprocessing, codec, split, lambda done, total: report(total + done, 2 * total))

    code = code_facts([*ENCODING, *STORING, *DEMONSTRATION])
    return cached_store(_name("demo", code, subjects, seed, preprocessing, codec.fingerprint, split), build)


def folder_latents(
    root: Path,
    preprocessing: Preprocessing,
    codec_name: str,
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
    codec_name: str,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
    selection: Selection | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Give the latent store of a user's scans, encoding them only if it is not in the cache or damaged there.

    A scan is known by its content, wherever it lies; see `neuromf.data.scan_hashes` for how often it is read.

    Args:
        scans: what is encoded, each with an id of its own.
        preprocessing: of every scan.
        codec_name: "demo" or an autoencoder file, see `load_vae`.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        on_progress: called with (done, scans) after each scan.
        selection: where the scans are from; its table is kept in a store that is made.
        tell: called, before the first scan is encoded, with each sentence on what is taken, left out and doubtful.

    Returns:
        Path of the store, verified.

    Raises:
        InputError: if an argument or a scan is bad or the cache cannot be written.
    """
    codec = load_vae(codec_name)
    split = _Split(split_ratios, split_seed)

    hashes = scan_hashes()
    alike = content_key([code_facts(ENCODING), preprocessing, codec.fingerprint])
    kept = EncodedScans(cache_directory() / "scans" / alike[:32], hashes)
    name = _scans_name(scans, hashes, preprocessing, codec, split)

    def build(folder: Path) -> None:
        table = None if selection is None else describe_selection(selection, tell)
        _encode(scans, folder, preprocessing, codec, split, on_progress or _ignore, kept)
        if _scans_name(scans, hashes, preprocessing, codec, split) != name:
            remedy = "repeat when no scan is written any more; what is encoded is kept"
            raise InputError("a scan was written while the scans were encoded", remedy=remedy, key="data.root")
        if table is not None:
            write_cohort(folder / "latents" / COHORT_FILE, table)

    store = cached_store(name, build)
    kept.drop_copied()
    if tell is not None and not codec.scale_known:
        factor = open_latents(store, verify=False).description.unit_scale_factor
        tell(f"{codec_name} says no scale factor: 1 / std of its training latents is {factor:.4g}, kept in store.json")
    return store


def kept_scan_latents(
    scans: Sequence[Scan],
    preprocessing: Preprocessing,
    codec_name: str,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
) -> Path | None:
    """The store that `scan_latents` would give without encoding anything; None where it would have to.

    No latent is opened: `StoredLatents` compares each with its hash when it reads it.

    Raises:
        InputError: the autoencoder or a scan cannot be read.
    """
    codec = load_vae(codec_name)
    return kept_entry(_scans_name(scans, scan_hashes(), preprocessing, codec, _Split(split_ratios, split_seed)))


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


def _scans_name(
    scans: Sequence[Scan], hashes: ScanHashes, preprocessing: Preprocessing, codec: LatentCodec, split: _Split
) -> str:
    # What decides a scan's part of a store: its content, and what the manifest says of whose it is.
    known = [[hashes.of(scan.path), scan.subject, scan.scan_id] for scan in scans]
    return _name("folder", code_facts([*ENCODING, *STORING]), known, preprocessing, codec.fingerprint, split)


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
    )
