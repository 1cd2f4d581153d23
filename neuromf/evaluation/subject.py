"""What is evaluated: a run's averaged weights, its scans that were not trained on, and its autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuromf.config.schema import Config
from neuromf.data.covariates import read_covariates
from neuromf.data.latent_set import StoredLatents
from neuromf.data.store import LatentStore
from neuromf.evaluation.metrics.bootstrap import Index
from neuromf.evaluation.metrics.parallel import each
from neuromf.flow.sampling import sample
from neuromf.nets.vae import LatentCodec
from neuromf.training.checkpoints.checkpoint import Checkpoint, read_checkpoint
from neuromf.training.checkpoints.named import named_checkpoint
from neuromf.training.checkpoints.sampling_net import is_averaged, refuse_other_configuration, sampling_net
from neuromf.training.latents.frozen import go_on, run_latents
from neuromf.training.latents.store import tiling_of
from neuromf.training.records.previews import sampling_field, sampling_noise
from neuromf.training.records.run_folder import RunFolder, open_run

HELD_OUT = ("validation", "test")
BATCH = 8
"""Samples drawn together: on the CPU each costs a quarter of one drawn alone; more together cost more."""
PART = 32
"""Training scans that are in memory together."""


@dataclass(frozen=True)
class Scans:
    """Some scans of a store.

    Attributes:
        scan_ids: their names.
        subjects: whose they are.
        latents: normalised (N, C, D, H, W).
    """

    scan_ids: list[str]
    subjects: list[str]
    latents: Tensor

    @property
    def units(self) -> list[Index]:
        """Rows of each subject, by which resamples are drawn."""
        names = np.array(self.subjects)
        return [np.flatnonzero(names == subject) for subject in dict.fromkeys(self.subjects)]


@dataclass(frozen=True)
class EvaluatedRun:
    """A run that can be evaluated.

    Attributes:
        run: its folder.
        config: its configuration.
        store: its latents, all of them.
        codec: its autoencoder.
        net: the network with the weights of a checkpoint.
        step: that checkpoint's.
        weights: which weights they are, in a few words.
    """

    run: RunFolder
    config: Config
    store: LatentStore
    codec: LatentCodec
    net: nn.Module
    step: int
    weights: str

    def chosen(self, splits: Sequence[str], most: int, seed: int) -> Scans:
        """Scans of some splits, all of a subject together, subjects drawn by the seed until there are `most` scans."""
        rows = self.store.manifest[self.store.manifest["split"].isin(list(splits))]
        subjects = sorted(set(rows["subject"].astype(str)))
        order = [subjects[place] for place in np.random.default_rng(seed).permutation(len(subjects))]
        taken: list[tuple[str, str]] = []
        for subject in order:
            if len(taken) >= most:
                break
            taken += [(str(scan), subject) for scan in rows.loc[rows["subject"].astype(str) == subject, "scan_id"]]
        scans = [scan for scan, _ in taken]
        return Scans(scans, [subject for _, subject in taken], self._latents(scans))

    def _latents(self, scans: Sequence[str]) -> Tensor:
        if not scans:
            return torch.empty((0, *self.store.latent_shape))
        return self.store.statistics.normalise(torch.stack([self.store.raw(scan) for scan in scans]))

    def training_parts(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """All training latents, normalised and flat, some at a time with the row of the first."""
        latents = StoredLatents(self.store, "train")
        for start in range(0, len(latents), PART):
            part = latents[range(start, min(start + PART, len(latents)))]
            yield start, part.flatten(1).numpy()

    def covariates(self, scans: Scans, count: int) -> Tensor | None:
        """Covariates (count, K) of scans, from the first again after the last; None where the network is told of none.

        Raises:
            InputError: the run's table of them is damaged.
        """
        known = read_covariates(self.run.latents, self.config.covariates, scans.scan_ids, [])
        return None if known is None else known.training[torch.arange(count) % len(scans.scan_ids)]

    def draw(
        self, steps: int, count: int, seed: int, on_done: Callable[[int], None], covariates_NK: Tensor | None = None
    ) -> Tensor:
        """Normalised samples (count, C, D, H, W) in `steps` evaluations; the noise is that of `neuromf sample`."""
        device, shape = next(self.net.parameters()).device, self.store.latent_shape

        def made(start: int) -> Tensor:
            rows = range(start, min(start + BATCH, count))
            noise = torch.stack([sampling_noise(shape, seed, row) for row in rows])
            told = None if covariates_NK is None else covariates_NK[rows.start : rows.stop].to(device)
            field = sampling_field(self.net, self.config, told)
            return sample(field, noise.to(device), steps, self.config.meanflow.t_min).cpu()

        drawn = []
        for batch in each(made, range(0, count, BATCH), cells=int(np.prod(shape[1:])), device=device):
            drawn.append(batch)
            on_done(len(batch) * steps)
        return torch.cat(drawn)


def open_subject(
    path: Path,
    *,
    checkpoint: int | None,
    vae: Path | None,
    device: torch.device,
    on_progress: Callable[[int, int], None] | None = None,
) -> EvaluatedRun:
    """Open a run for its evaluation.

    Args:
        path: the run's folder.
        checkpoint: optimiser step of one of its checkpoints; the newest when None.
        vae: the run's autoencoder, where its file is not where it was.
        device: where the network and the autoencoder compute.
        on_progress: called with (done, total) where its scans must be encoded again.

    Raises:
        InputError: there is no run, no such checkpoint, no autoencoder, or its scans cannot be had.
    """
    run, config = open_run(path)
    found = _checkpoint(run, checkpoint)
    refuse_other_configuration(found, run, config)
    codec = run_latents(run, config).codec(vae).tiled(tiling_of(config))
    store = go_on(run, config, on_progress, device=device)
    net = sampling_net(found, config)
    weights = f"{'averaged weights' if is_averaged(config) else 'weights'} of optimiser step {found.step}"
    return EvaluatedRun(run, config, store, codec.to(device), net.to(device), found.step, weights)


def _checkpoint(run: RunFolder, step: int | None) -> Checkpoint:
    if step is None:
        return named_checkpoint(run.root)
    return read_checkpoint(run.root / "checkpoints" / f"step_{step:08d}")
