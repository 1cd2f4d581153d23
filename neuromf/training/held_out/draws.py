"""What a validation is made of: which scans, and the noise and times of each (law VAL-004).

All are functions of (seed, place in the slice, draw): the same at every validation, on every rank, after every resume.
A place of the validation slice has the noise and times of that place of the training slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuromf.config.flow_settings import time_settings
from neuromf.config.schema import Config
from neuromf.data.latent_set import LatentSet, one_scan_a_subject
from neuromf.flow.batch import Batch, rows_of_mf
from neuromf.flow.times import NORMALS_PER_SAMPLE, UNIFORMS_PER_SAMPLE, TimePairs, draw_times
from neuromf.training.batches.randomness import Purpose, generator
from neuromf.training.held_out.cost import DRAWS


@dataclass(frozen=True)
class Slices:
    """Scans that are judged: as many of either split, one a subject.

    Attributes:
        held_out: places in the validation split.
        trained: places in the training split.
    """

    held_out: tuple[int, ...]
    trained: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.held_out)


def choose_slices(config: Config, training: LatentSet, validation: LatentSet) -> Slices:
    """Choose the scans of a run's validations, by its seed."""
    splits = [one_scan_a_subject(latents) for latents in (validation, training)]
    count = min(config.training.validation_scans, *map(len, splits))
    chosen = [_some(places, count, config.training.seed, split) for split, places in enumerate(splits)]
    return Slices(chosen[0], chosen[1])


def _some(places: list[int], count: int, seed: int, split: int) -> tuple[int, ...]:
    order = generator(seed, Purpose.HELD_OUT_CHOICE, split, 0).permutation(len(places))
    return tuple(sorted(places[index] for index in order[:count]))


def judged_kinds(config: Config) -> tuple[bool, ...]:
    """Kinds of samples that the run trains: True for FM, False for MF."""
    share = config.time_sampling.data_proportion
    flow = share > 0 or config.meanflow.loss_terms == "dual"
    return tuple(kind for kind, there in ((True, flow), (False, share < 1)) if there)


def scan_batch(config: Config, x: Tensor, place: int, device: torch.device, y_K: Tensor | None = None) -> Batch:
    """Every sample of one scan: its draws as FM samples, then as MF samples, as far as the run trains such.

    Args:
        config: the run.
        x: the latent (C, D, H, W), normalised, on the CPU.
        place: in its slice.
        device: where the batch goes.
        y_K: covariates of the scan, where the network is told of some.
    """
    draws = [generator(config.training.seed, Purpose.HELD_OUT, draw, place) for draw in range(DRAWS)]
    noise = np.stack([own.standard_normal(tuple(x.shape), dtype=np.float32) for own in draws])
    normal = np.stack([own.standard_normal(NORMALS_PER_SAMPLE) for own in draws])
    uniform = np.stack([own.random(UNIFORMS_PER_SAMPLE) for own in draws])
    kinds = judged_kinds(config)
    pairs = [_times(config, normal, uniform, kind) for kind in kinds]
    r_B, t_B = (
        torch.from_numpy(np.concatenate([getattr(pair, name) for pair in pairs])).float() for name in ("r_B", "t_B")
    )
    samples = len(kinds) * DRAWS
    e = torch.from_numpy(np.concatenate([noise] * len(kinds)))
    return Batch(
        x=x.expand(samples, *x.shape).to(device),
        e=e.to(device),
        r_B=r_B.to(device),
        t_B=t_B.to(device),
        mf_rows=rows_of_mf(r_B, t_B).to(device),
        y_BK=None if y_K is None else y_K.expand(samples, -1).to(device),
    )


def _times(config: Config, normal: np.ndarray, uniform: np.ndarray, is_fm: bool) -> TimePairs:
    return draw_times(normal, uniform, np.full(len(normal), is_fm), time_settings(config.time_sampling))
