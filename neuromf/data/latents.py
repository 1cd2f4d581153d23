"""From a folder of scans to a latent store."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file

from neuromf.data.cohort import Scan, discover_scans
from neuromf.data.manifest import CHANNELS, MEAN_COLUMNS, STD_COLUMNS, write_manifest
from neuromf.data.nifti import read_volume
from neuromf.data.preprocess import Preprocessing, preprocess
from neuromf.data.splits import split_subjects
from neuromf.data.staging import staged_directory
from neuromf.data.statistics import ChannelMoments, channel_moments, pool_moments
from neuromf.data.store import LatentStore, open_latents
from neuromf.data.store_description import (
    SCHEMA_VERSION,
    StoreDescription,
    content_hash,
    file_sha256,
    write_description,
)
from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.nets.vae import LatentCodec

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
    """Encode every scan that `discover_scans` finds in a folder; see `encode_scans`."""
    scans = discover_scans(root)
    return encode_scans(
        scans, out, preprocessing, codec, split_ratios=split_ratios, split_seed=split_seed, on_progress=on_progress
    )


def encode_scans(
    scans: Sequence[Scan],
    out: Path,
    preprocessing: Preprocessing,
    codec: LatentCodec,
    *,
    split_ratios: tuple[float, float, float],
    split_seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> LatentStore:
    """Encode scans into a latent store.

    Args:
        scans: what is encoded, each with an id of its own.
        out: latent store to create; it appears only when complete.
        preprocessing: of every scan.
        codec: the autoencoder; posterior means are stored.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        on_progress: called with (done, scans) after each scan.

    Returns:
        The store.

    Raises:
        InputError: naming the file, if a scan is bad, `out` is not empty, or the codec has other than four channels.
    """
    if codec.architecture.latent_channels != CHANNELS:
        problem = f"the autoencoder has {codec.architecture.latent_channels} latent channels"
        raise InputError(problem, remedy=f"use one with {CHANNELS}", key="vae.checkpoint")
    splits = split_subjects((scan.subject for scan in scans), split_ratios, split_seed)
    with staged_directory(out) as folder:
        (folder / "scans").mkdir()
        rows, training = [], []
        for done, scan in enumerate(scans, start=1):
            row, moments = _encode_scan(scan, folder, preprocessing, codec)
            rows.append({**row, "subject": scan.subject, "split": splits[scan.subject]})
            training += [moments] if splits[scan.subject] == "train" else []
            if on_progress is not None:
                on_progress(done, len(scans))
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


def _encode_scan(
    scan: Scan, folder: Path, preprocessing: Preprocessing, codec: LatentCodec
) -> tuple[dict[str, object], ChannelMoments]:
    """Write one latent; return its manifest row, save subject and split, and its moments."""
    try:
        volume = preprocess(read_volume(scan.path), preprocessing)
        latent = codec.encode(torch.from_numpy(volume.data)[None, None])[0].cpu().contiguous()
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=scan.path, key=error.key) from error
    if not bool(torch.isfinite(latent).all()):
        problem = "the autoencoder gave NaN or infinite values for this scan"
        raise InputError(problem, remedy="check the autoencoder's weights", file=scan.path)
    file = f"scans/{scan.scan_id}.safetensors"
    save_file({"latent": latent}, folder / file, metadata={"affine": json.dumps(volume.affine.tolist())})
    (folder / file).chmod(0o644)  # safetensors writes 0600, which would hide a shared store from other users
    moments = channel_moments(latent)
    row: dict[str, object] = {
        "scan_id": scan.scan_id,
        "file": file,
        "sha256": file_sha256(folder / file),
        "shape": "x".join(str(size) for size in latent.shape),
    }
    row |= dict(zip(MEAN_COLUMNS, moments.mean, strict=True)) | dict(zip(STD_COLUMNS, moments.std, strict=True))
    return row, moments
