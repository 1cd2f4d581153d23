"""From a folder of scans to a latent store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from neuromf.data.cohort import Scan, select_scans
from neuromf.data.cohort_table import COHORT_FILE, cohort_table, write_cohort
from neuromf.data.encoded import Encoded, EncodedScans
from neuromf.data.manifest import CHANNELS, MEAN_COLUMNS, STD_COLUMNS, write_manifest
from neuromf.data.nifti import read_volume
from neuromf.data.preprocess import Preprocessing, preprocess
from neuromf.data.scan_hashes import file_state, refuse_written_since
from neuromf.data.splits import split_subjects
from neuromf.data.staging import staged_directory
from neuromf.data.statistics import pool_moments
from neuromf.data.store import LatentStore, open_latents
from neuromf.data.store_description import (
    SCHEMA_VERSION,
    StoreDescription,
    content_hash,
    write_description,
)
from neuromf.errors import InputError, UnreadableError

if TYPE_CHECKING:
    from neuromf.nets.vae import LatentCodec

NAMED = 10
"""Scans that one sentence names; the rest are counted."""

__all__ = ["LatentStore", "centred_affine", "encode_cohort", "encode_scans", "open_latents"]


def encode_cohort(
    root: Path,
    out: Path,
    preprocessing: Preprocessing,
    codec: LatentCodec,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> LatentStore:
    """Encode every scan that `select_scans` takes from a folder, and keep the table of it; see `encode_scans`."""
    selection = select_scans(root)
    table = cohort_table(selection)
    store = encode_scans(
        selection.scans, out, preprocessing, codec, split_ratios=split_ratios, split_seed=split_seed,
        on_progress=on_progress,
    )  # fmt: skip
    write_cohort(out / COHORT_FILE, table)
    return store


def encode_scans(
    scans: Sequence[Scan],
    out: Path,
    preprocessing: Preprocessing,
    codec: LatentCodec,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
    kept: EncodedScans | None = None,
) -> LatentStore:
    """Encode scans into a latent store.

    A scan that cannot be used does not end it: the others are encoded and kept, then all such scans are named at once.

    Args:
        scans: what is encoded, each with an id of its own.
        out: latent store to create; it appears only when complete.
        preprocessing: of every scan.
        codec: the autoencoder; posterior means are stored.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        on_progress: called with (done, scans) after each scan, and once with those that were there already.
        kept: scans that were encoded before with this preprocessing and codec, to which those of now are added.

    Returns:
        The store.

    Raises:
        InputError: naming every scan that cannot be used, if `out` is not empty, or if the codec has other than four
            channels.
    """
    if codec.architecture.latent_channels != CHANNELS:
        problem = f"the autoencoder has {codec.architecture.latent_channels} latent channels"
        raise InputError(problem, remedy=f"use one with {CHANNELS}", key="vae.checkpoint")
    splits = split_subjects((scan.subject for scan in scans), split_ratios, split_seed)
    with staged_directory(out) as folder:
        (folder / "scans").mkdir()
        beside = folder / ".encoded"
        known = kept or EncodedScans(beside)
        encoded = _encode_all(scans, known, preprocessing, codec, on_progress or _ignore)
        for scan in scans:
            known.give(scan.path, folder / _file(scan))
        shutil.rmtree(beside, ignore_errors=True)
        rows = [_row(scan, one, splits[scan.subject]) for scan, one in zip(scans, encoded, strict=True)]
        training = [one.moments for scan, one in zip(scans, encoded, strict=True) if splits[scan.subject] == "train"]
        write_manifest(folder / "manifest.csv", rows)
        description = StoreDescription(
            schema_version=SCHEMA_VERSION,
            preprocessing=preprocessing,
            codec_fingerprint=codec.fingerprint,
            scale_factor=codec.scale_factor,
            encoding="posterior_mean",
            split_ratios=split_ratios,
            split_seed=split_seed,
            statistics=pool_moments(training),
            affine=centred_affine(preprocessing),
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


def _encode_all(
    scans: Sequence[Scan],
    known: EncodedScans,
    preprocessing: Preprocessing,
    codec: LatentCodec,
    report: Callable[[int, int], None],
) -> list[Encoded]:
    """Every scan's latent, those that are known already first.

    Raises:
        InputError: some scans cannot be used; all others are kept.
    """
    found = {scan.scan_id: one for scan in scans if (one := known.find(scan.path)) is not None}
    missing = [scan for scan in scans if scan.scan_id not in found]
    if found:
        report(len(found), len(scans))
    failures: list[InputError] = []
    for scan in missing:
        try:
            found[scan.scan_id] = _encode(scan, known, preprocessing, codec)
        except UnreadableError:
            raise
        except InputError as error:
            failures.append(error)
        report(len(found) + len(failures), len(scans))
    if failures:
        raise unusable_scans(failures, len(scans), "the others are encoded and kept")
    return [found[scan.scan_id] for scan in scans]


def unusable_scans(failures: Sequence[InputError], total: int, besides: str) -> InputError:
    """One sentence about all scans that cannot be used.

    Args:
        failures: what is wrong with each, with its file.
        total: scans that were looked at.
        besides: what the reader should know besides.
    """
    if len(failures) == 1:
        first = failures[0]
        return InputError(f"{first.problem} ({besides})", remedy=first.remedy, file=first.file, key=first.key)
    named = "; ".join(f"{failure.file}: {failure.problem}" for failure in failures[:NAMED])
    more = f"; and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
    problem = f"{len(failures)} of {total} scans cannot be used ({named}{more}); {besides}"
    return InputError(problem, remedy="repair them, or take them out of the folder")


def _encode(scan: Scan, known: EncodedScans, preprocessing: Preprocessing, codec: LatentCodec) -> Encoded:
    try:
        before = file_state(scan.path)
        volume = preprocess(read_volume(scan.path), preprocessing)
        latent = codec.encode(torch.from_numpy(volume.data)[None, None])[0].cpu().contiguous()
        refuse_written_since(scan.path, before)
    except UnreadableError:
        raise
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=scan.path, key=error.key) from error
    if not bool(torch.isfinite(latent).all()):
        problem = "the autoencoder gave NaN or infinite values for this scan"
        raise InputError(problem, remedy="check the autoencoder's weights", file=scan.path)
    facts = {"affine": json.dumps(volume.affine.tolist())} | ({"filled": volume.filled} if volume.filled else {})
    return known.keep(scan.path, latent, facts)


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
    moments = encoded.moments
    return row | dict(zip(MEAN_COLUMNS, moments.mean, strict=True)) | dict(zip(STD_COLUMNS, moments.std, strict=True))


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""
