"""A split of a latent store that is read scan by scan, when a batch asks for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from neuromf.data.manifest import moment_arrays
from neuromf.data.store import LatentStore, verify_scan


class StoredLatents:
    """Normalised latents of a split, as `LatentStore.split` would stack them, of which none is held.

    A scan is compared with its hash when it is first read in a process: a store of any size opens at once, and damage
    is met before it is trained on.

    Args:
        store: an opened store.
        split: "train", "validation" or "test".

    Attributes:
        shape: (N, C, D, H, W).
        moments: (N, 2C), float64: channel means, then channel mean squares, of each normalised latent, by the manifest.
        subjects: whose scan each latent is, by the manifest.
    """

    def __init__(self, store: LatentStore, split: str) -> None:
        rows = store.manifest[store.manifest["split"] == split]
        self._store, self._scans = store, store.scan_ids(split)
        self._hashes = [str(value) for value in rows["sha256"]]
        self._verified = bytearray(len(self._scans))
        self.subjects = tuple(str(subject) for subject in rows["subject"])
        self.shape = (len(self._scans), *store.latent_shape)
        mean_NC, std_NC = (torch.tensor(values) for values in moment_arrays(rows))
        centre_C, scale_C = torch.tensor([store.statistics.mean, store.statistics.std], dtype=torch.float64)
        normal_NC = (mean_NC - centre_C) / scale_C
        self.moments = torch.cat([normal_NC, (std_NC / scale_C).square() + normal_NC.square()], dim=1)

    def __len__(self) -> int:
        return len(self._scans)

    def __getitem__(self, indices: Sequence[int]) -> Tensor:
        """Some latents, float32 (B, C, D, H, W).

        Raises:
            InputError: one is missing, altered or not finite.
        """
        return self._store.statistics.normalise(torch.stack([self._read(index) for index in indices]))

    def _read(self, index: int) -> Tensor:
        scan = self._scans[index]
        if self._verified[index]:
            return self._store.raw(scan)
        latent = verify_scan(self._store, scan, self._hashes[index])
        self._verified[index] = 1
        return latent


LatentSet: TypeAlias = Tensor | StoredLatents
"""Normalised training latents (N, C, D, H, W): in memory, or read when they are asked for."""


def one_scan_a_subject(latents: LatentSet) -> list[int]:
    """Place of the first scan of each subject; latents in memory are each a subject of its own."""
    if isinstance(latents, Tensor):
        return list(range(len(latents)))
    first: dict[str, int] = {}
    for place, subject in enumerate(latents.subjects):
        first.setdefault(subject, place)
    return list(first.values())


def channel_std(latents: LatentSet) -> tuple[float, ...]:
    """Standard deviation of each channel over all values, N - 1 in the denominator."""
    if isinstance(latents, Tensor):
        return tuple(latents.double().std(dim=(0, 2, 3, 4)).tolist())
    mean_C, square_C = latents.moments.mean(0).chunk(2)
    count = len(latents) * math.prod(latents.shape[2:])
    return tuple(((square_C - mean_C.square()) * count / (count - 1)).sqrt().tolist())
