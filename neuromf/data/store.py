"""A folder of latents that can prove what it is: one safetensors file a scan, a manifest, a description."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from neuromf.data.manifest import moment_arrays, read_manifest, shape_of
from neuromf.data.quarantine import QUARANTINE_FILE
from neuromf.data.splits import SPLIT_NAMES
from neuromf.data.statistics import ChannelStatistics
from neuromf.data.store_description import StoreDescription, content_hash, read_description
from neuromf.errors import InputError, UnreadableError

_REMEDY = "restore the file or encode the scans again"


@dataclass(frozen=True)
class LatentStore:
    """An opened latent store.

    Attributes:
        path: its folder.
        manifest: one row a scan, see `neuromf.data.manifest`.
        description: how it was made.
    """

    path: Path
    manifest: pandas.DataFrame
    description: StoreDescription

    @property
    def statistics(self) -> ChannelStatistics:
        """Channel statistics of the training split."""
        return self.description.statistics

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(C, D, H, W) of every latent."""
        return shape_of(str(self.manifest["shape"].iloc[0]))

    @property
    def quarantine(self) -> Path:
        """Table of the scans that were set aside when it was made; not there where none was."""
        return self.path / QUARANTINE_FILE

    def scan_ids(self, split: str) -> list[str]:
        """Scans of a split, in the order in which `split` stacks them."""
        if split not in SPLIT_NAMES:
            names = ", ".join(SPLIT_NAMES)
            raise InputError(f"there is no split {split!r}", remedy=f"name one of {names}", key="split")
        return [str(name) for name in self.manifest.loc[self.manifest["split"] == split, "scan_id"]]

    def split(self, split: str) -> Tensor:
        """Load a split.

        Args:
            split: "train", "validation" or "test".

        Returns:
            float32 (N, C, D, H, W), normalised by the training split's statistics; N is 0 for an empty split.
        """
        latents = [self.raw(scan_id) for scan_id in self.scan_ids(split)]
        if not latents:
            return torch.empty((0, *self.latent_shape))
        return self.statistics.normalise(torch.stack(latents))

    def raw(self, scan_id: str) -> Tensor:
        """One latent (C, D, H, W), scaled by the codec but not normalised."""
        return self.parsed(scan_id, self.content(scan_id))

    def content(self, scan_id: str) -> bytes:
        """The bytes of one latent's file; read, not mapped, for not every file system can map.

        Raises:
            UnreadableError: the system does not give the file.
            InputError: it is missing.
        """
        path = self.path / "scans" / f"{scan_id}.safetensors"
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise InputError("the manifest lists this file but it is missing", remedy=_REMEDY, file=path) from error
        except OSError as error:
            raise UnreadableError.of(path, error) from error

    def parsed(self, scan_id: str, content: bytes) -> Tensor:
        """The latent in the bytes of its file.

        Raises:
            InputError: they hold no latent of the store's shape.
        """
        path = self.path / "scans" / f"{scan_id}.safetensors"
        try:
            latent = load(content)["latent"]
        except (SafetensorError, KeyError) as error:
            problem = f"the latent cannot be read ({error})"
            raise InputError(problem, remedy=_REMEDY, file=path, key="latent") from error
        if latent.dtype != torch.float32 or tuple(latent.shape) != self.latent_shape:
            problem = f"{latent.dtype} of shape {tuple(latent.shape)} instead of float32 {self.latent_shape}"
            raise InputError(problem, remedy=_REMEDY, file=path, key="latent")
        return latent


def open_latents(path: Path, verify: bool = True) -> LatentStore:
    """Open a latent store.

    Args:
        path: folder that `encode_cohort` wrote.
        verify: read every latent and compare it with its sha256; without it only manifest and description are checked.

    Returns:
        The store.

    Raises:
        InputError: naming the file, if anything is missing, altered or inconsistent.
    """
    if not path.is_dir():
        raise InputError("there is no such latent store", remedy="give a folder that holds store.json", file=path)
    store = LatentStore(path, read_manifest(path / "manifest.csv"), read_description(path / "store.json"))
    if verify:
        for scan_id, expected in zip(store.manifest["scan_id"], store.manifest["sha256"], strict=True):
            verify_scan(store, str(scan_id), str(expected))
    verify_statistics(store)
    _verify_content(store)
    return store


def absent_scans(store: LatentStore) -> set[str]:
    """Files that the manifest lists and the folder does not hold; no file is opened."""
    try:
        present = set(os.listdir(store.path / "scans"))
    except FileNotFoundError:
        present = set()
    except OSError as error:
        raise UnreadableError.of(store.path / "scans", error) from error
    return {f"{scan_id}.safetensors" for scan_id in store.manifest["scan_id"]} - present


def verify_scan(store: LatentStore, scan_id: str, expected: str) -> Tensor:
    """Read one latent, compare it with its sha256, and see that it is finite.

    Raises:
        InputError: it is missing, altered or not finite.
    """
    path = store.path / "scans" / f"{scan_id}.safetensors"
    content = store.content(scan_id)
    if hashlib.sha256(content).hexdigest() != expected:
        raise InputError("the file differs from its sha256 in the manifest", remedy=_REMEDY, file=path, key="sha256")
    latent = store.parsed(scan_id, content)
    if not bool(torch.isfinite(latent).all()):
        raise InputError("the latent has NaN or infinite values", remedy=_REMEDY, file=path, key="latent")
    return latent


def verify_statistics(store: LatentStore) -> None:
    """The statistics must be those of the training rows, of no other split's (DATA-001).

    Raises:
        InputError: they are not.
    """
    training = store.manifest[store.manifest["split"] == "train"]
    if training.empty:
        manifest = store.path / "manifest.csv"
        raise InputError(
            "no scan is in the training split", remedy="encode the scans again", file=manifest, key="split"
        )
    recorded = np.array([store.statistics.mean, store.statistics.std])
    if not np.allclose(recorded, _pooled(training), rtol=1e-9):
        problem = "the statistics are not those of the training split (DATA-001)"
        raise InputError(problem, remedy="encode the scans again", file=store.path / "store.json", key="statistics")


def _pooled(rows: pandas.DataFrame) -> NDArray[np.float64]:
    """Mean and standard deviation (2, C) of all values of some scans, by the law of total variance.

    All latents of a store have one shape, so that their moments weigh alike.
    """
    means_NC, stds_NC = moment_arrays(rows)
    mean_C = means_NC.mean(axis=0)
    return np.stack([mean_C, np.sqrt((stds_NC**2 + (means_NC - mean_C) ** 2).mean(axis=0))])


def _verify_content(store: LatentStore) -> None:
    if content_hash(store.description, store.path / "manifest.csv") != store.description.content_hash:
        problem = "manifest or description was altered after encoding"
        raise InputError(problem, remedy=_REMEDY, file=store.path / "store.json", key="content_hash")
