"""From a folder of scans to a latent store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from neuromf.counted import counted
from neuromf.data.cohort import Scan, select_scans
from neuromf.data.cohort_table import COHORT_FILE, cohort_table, write_cohort
from neuromf.data.encode_job import EncodeJob
from neuromf.data.encoded import Encoded, EncodedScans
from neuromf.data.manifest import moment_cells, write_manifest
from neuromf.data.preprocess import Preprocessing
from neuromf.data.quarantine import Quarantined, most_quarantined
from neuromf.data.splits import split_scans
from neuromf.data.staging import staged_directory
from neuromf.data.statistics import pool_moments
from neuromf.data.store import LatentStore, open_latents
from neuromf.data.store_description import (
    SCHEMA_VERSION,
    StoreDescription,
    content_hash,
    write_description,
)
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError
from neuromf.nets.tiling import Tiling

ROUNDS = 3
"""Times that damaged latents are made again before the disk is blamed."""

__all__ = ["LatentStore", "centred_affine", "encode_cohort", "encode_scans", "open_latents"]


def encode_cohort(
    root: Path, out: Path, settings: StoreSettings, *, on_progress: Callable[[int, int], None] | None = None
) -> LatentStore:
    """Encode every scan that `select_scans` takes from a folder, and keep the table of it; see `encode_scans`."""
    selection = select_scans(root)
    table = cohort_table(selection)
    store = encode_scans(selection.scans, out, settings, on_progress=on_progress)
    write_cohort(out / COHORT_FILE, table)
    return store


def encode_scans(
    scans: Sequence[Scan],
    out: Path,
    settings: StoreSettings,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    kept: EncodedScans | None = None,
) -> LatentStore:
    """Encode scans into a latent store.

    A scan that cannot be used does not end it: the others are encoded and kept, then all such scans are named at once.

    Args:
        scans: what is encoded, each with an id of its own.
        out: latent store to create; it appears only when complete.
        settings: how they are encoded; posterior means are stored.
        on_progress: called with (done, scans) after each scan, and once with those that were there already.
        kept: scans that were encoded before with this preprocessing and codec, to which those of now are added.

    Returns:
        The store.

    Raises:
        InputError: naming every scan that cannot be used, or if `out` is not empty.
    """
    codec, ratios, seed = settings.codec, settings.split_ratios, settings.split_seed
    with staged_directory(out) as folder:
        (folder / "scans").mkdir()
        beside = folder / ".encoded"
        known = kept or EncodedScans(beside)
        encode = partial(encode_missing, known=known, settings=settings, on_progress=on_progress)
        usable, encoded = _all_encoded(scans, known, encode)
        for scan in usable:
            known.give(scan.path, folder / _file(scan))
        shutil.rmtree(beside, ignore_errors=True)
        splits = split_scans(usable, ratios, seed) if settings.splits is None else settings.splits
        rows = [_row(scan, one, splits[scan.subject]) for scan, one in zip(usable, encoded, strict=True)]
        training = [one.moments for scan, one in zip(usable, encoded, strict=True) if splits[scan.subject] == "train"]
        write_manifest(folder / "manifest.csv", rows)
        description = StoreDescription(
            schema_version=SCHEMA_VERSION,
            preprocessing=settings.preprocessing,
            codec_fingerprint=codec.fingerprint,
            scale_factor=codec.scale_factor,
            encoding=_how(codec.tiling),
            split_ratios=ratios,
            split_seed=seed,
            statistics=pool_moments(training),
            affine=centred_affine(settings.preprocessing),
            content_hash="",
        )
        digest = content_hash(description, folder / "manifest.csv")
        write_description(folder / "store.json", replace(description, content_hash=digest))
    return open_latents(out, verify=False)


def centred_affine(preprocessing: Preprocessing) -> tuple[tuple[float, ...], ...]:
    """RAS affine of the preprocessed grid with its middle at the world's origin."""
    affine = np.diag([preprocessing.spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-preprocessing.spacing_mm * (size - 1) / 2 for size in preprocessing.shape]
    return tuple(tuple(row) for row in affine.tolist())


def encode_missing(
    scans: Sequence[Scan],
    known: EncodedScans,
    settings: StoreSettings,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    before_first: Callable[[], None] = lambda: None,
) -> list[Quarantined]:
    """Encode the scans that have no latent yet, together with all who do the same now; see `EncodeJob`.

    Raises:
        InputError: more scans cannot be used than may be set aside; all others are kept.
    """
    most = most_quarantined(settings.max_quarantined, len(scans))
    return EncodeJob(
        scans, known, settings.preprocessing, settings.codec, settings.workers, most, on_progress or _ignore,
        before_first,
    ).run()  # fmt: skip


def _all_encoded(
    scans: Sequence[Scan], known: EncodedScans, encode: Callable[[Sequence[Scan]], list[Quarantined]]
) -> tuple[list[Scan], list[Encoded]]:
    """The scans that can be used with what is kept of each; a latent that is damaged is made again."""
    found: dict[str, Encoded] = {}
    usable = list(scans)
    for _ in range(ROUNDS):
        aside = {one.scan.scan_id for one in encode(usable)}
        usable = [scan for scan in usable if scan.scan_id not in aside]
        missing = [scan for scan in usable if scan.scan_id not in found]
        found |= {scan.scan_id: one for scan in missing if (one := known.find(scan.path)) is not None}
        damaged = [scan for scan in missing if scan.scan_id not in found]
        if not damaged:
            return usable, [found[scan.scan_id] for scan in usable]
        for scan in damaged:
            known.forget(scan.path)
    problem = f"{counted(len(damaged), 'latent')} that were just written are not what was written"
    raise InputError(problem, remedy="see that the disk is sound and has room", file=known.folder)


def _how(tiling: Tiling) -> str:
    """`encoding` of a store's description; splits give the same latents, tiles and float16 do not."""
    norms = " with group norms in float16" if tiling.norm_float16 else ""
    if tiling.tile_voxels is None:
        return f"posterior_mean{norms}"
    return f"posterior_mean{norms} of tiles of {tiling.tile_voxels} voxels that overlap by {tiling.overlap:g}"


def _file(scan: Scan) -> str:
    return f"scans/{scan.scan_id}.safetensors"


def _row(scan: Scan, encoded: Encoded, split: str) -> dict[str, object]:
    """A scan's row of the manifest."""
    row: dict[str, object] = {
        "scan_id": scan.scan_id,
        "subject": scan.subject,
        "split": split,
        "file": _file(scan),
        "sha256": encoded.sha256,
        "shape": "x".join(str(size) for size in encoded.shape),
    }
    return row | moment_cells(encoded.moments)


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""
