"""The micro-batches of a run, each a pure function of (configuration, step, range of samples)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.data.latent_set import LatentSet
from neuromf.flow.batch import Batch, rows_of_mf
from neuromf.flow.block_mask import draw_block_mask
from neuromf.training.batches.augmentation import augmentations, augmented
from neuromf.training.batches.randomness import Purpose, data_index, generator
from neuromf.training.batches.times import draw_step_times


@dataclass(frozen=True)
class BatchSource:
    """Draws micro-batches of normalised latents.

    Attributes:
        latents: training latents (N, C, D, H, W), float32: on the CPU, or read when they are drawn.
        config: the run.
        device: where the batches go.
        covariates_NK: of the latents, for a run whose network is told of some; on the CPU.
    """

    latents: LatentSet
    config: Config
    device: torch.device
    covariates_NK: Tensor | None = None

    def __post_init__(self) -> None:
        asked, given = bool(self.config.covariates.columns), self.covariates_NK
        if asked != (given is not None) or (given is not None and len(given) != len(self.latents)):
            raise ValueError("covariates must be given with covariates.columns, a row for each latent, and only then")

    def micro_batches(self) -> list[tuple[int, int]]:
        """First sample and number of samples of each micro-batch of an optimiser step."""
        effective, size = run_facts(self.config).effective_batch, self.config.training.batch_size_per_gpu
        return [(start, min(size, effective - start)) for start in range(0, effective, size)]

    def draw(self, step: int, start: int, count: int) -> Batch:
        """Samples `start .. start + count - 1` of optimiser step `step`.

        Noise is drawn on the CPU whatever the device, so that a GPU run sees the numbers a CPU run sees.
        """
        seed = self.config.training.seed
        position = step * run_facts(self.config).effective_batch + start
        samples = range(start, start + count)
        chosen = [data_index(seed, position + i, len(self.latents)) for i in range(count)]
        shape = tuple(self.latents.shape[1:])
        noise = [generator(seed, Purpose.NOISE, step, s).standard_normal(shape, dtype=np.float32) for s in samples]
        times = draw_step_times(self.config, step, start, count)
        x, e = self._augmented(self.latents[chosen], step, samples), torch.from_numpy(np.stack(noise))
        r_B, t_B = torch.from_numpy(times.r_B).float(), torch.from_numpy(times.t_B).float()
        y_BK = self._told(chosen, step, samples)
        mask = self._mask(step, samples)
        return Batch(
            x=x.to(self.device),
            e=e.to(self.device),
            r_B=r_B.to(self.device),
            t_B=t_B.to(self.device),
            mf_rows=rows_of_mf(r_B, t_B).to(self.device),  # here, where asking is free
            digest=micro_batch_hash(x, e, y_BK),  # here, where all are on the CPU, and by whoever draws ahead
            y_BK=None if y_BK is None else y_BK.to(self.device),
            mask=None if mask is None else mask.to(self.device),
        )

    def _told(self, chosen: list[int], step: int, samples: range) -> Tensor | None:
        """Covariates (B, K) of the chosen latents; a share of the samples drops all of its own (law COV-002)."""
        if self.covariates_NK is None:
            return None
        seed, dropout = self.config.training.seed, self.config.covariates.dropout
        draws = [generator(seed, Purpose.COVARIATES, step, sample).random() for sample in samples]
        kept_B = torch.tensor([draw >= dropout for draw in draws])
        return self.covariates_NK[chosen] * kept_B[:, None]

    def _mask(self, step: int, samples: range) -> Tensor | None:
        """Masks (B, 1, D, H, W) of the loss of some samples of a step, each by draws of its own; None masks nothing."""
        share, block = self.config.meanflow.mask_share, self.config.meanflow.mask_block
        if share == 0:
            return None
        draws = (generator(self.config.training.seed, Purpose.MASK, step, sample) for sample in samples)
        drawn = [draw_block_mask(self.latents.shape[2:], block, share, own) for own in draws]
        return torch.from_numpy(np.stack(drawn)[:, None]).float()

    def _augmented(self, x: Tensor, step: int, samples: range) -> Tensor:
        """Latents (B, C, D, H, W) of some samples of a step, each augmented by draws of its own."""
        transforms = augmentations(self.config.augmentation)
        if not transforms:
            return x
        draws = (generator(self.config.training.seed, Purpose.AUGMENTATION, step, sample) for sample in samples)
        return torch.stack([augmented(one, transforms, own) for one, own in zip(x, draws, strict=True)])


def micro_batch_hash(x: Tensor, e: Tensor, y_BK: Tensor | None = None) -> str:
    """SHA-256 over data, noise and covariates of each sample, one after another; times have columns of their own."""
    parts = [part.numpy() for part in (x, e, y_BK) if part is not None]
    return "".join(
        hashlib.sha256(b"".join(array.tobytes() for array in sample)).hexdigest() for sample in zip(*parts, strict=True)
    )


def step_hash(micro_batches: list[str]) -> str:
    """Twelve hexadecimal digits that stand for a step's samples in order, however they are cut up."""
    return hashlib.sha256("".join(micro_batches).encode()).hexdigest()[:12]
