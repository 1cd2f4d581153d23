"""What is exported: the network of a run's checkpoint, with what the run knows of its latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from neuromf.config.schema import Config
from neuromf.data.covariates import given_covariates
from neuromf.data.store import LatentStore
from neuromf.flow.jvp import Field
from neuromf.training.checkpoints.named import named_checkpoint, won_by
from neuromf.training.checkpoints.sampling_net import is_averaged, refuse_other_configuration, sampling_net
from neuromf.training.latents.frozen import RunLatents, run_latents
from neuromf.training.records.previews import follows_flow, sampling_field
from neuromf.training.records.run_folder import RunFolder, open_run


@dataclass(frozen=True)
class ExportedRun:
    """A run that can be exported.

    Attributes:
        run: its folder.
        config: its configuration.
        latents: what it knows of its latents and of its autoencoder.
        net: the network with the weights that samples are drawn with, on the CPU, to evaluate.
        step: optimiser step of these weights.
        weights: which they are, in a few words.
        y_1K: covariates that samples are drawn with; None where the network is told of none.
    """

    run: RunFolder
    config: Config
    latents: RunLatents
    net: nn.Module
    step: int
    weights: str
    y_1K: Tensor | None = None

    @property
    def store(self) -> LatentStore:
        """Statistics, shape and affine of the latents."""
        return self.latents.store

    @property
    def follows_flow(self) -> bool:
        """Whether samples follow the velocity at r = t, for no other r was trained."""
        return follows_flow(self.config)

    @property
    def velocity(self) -> Field:
        """The average velocity that its samples follow."""
        y_1K = self.y_1K
        if y_1K is None:
            return sampling_field(self.net, self.config)
        return lambda z, r_B, t_B: sampling_field(self.net, self.config, y_1K.expand(z.shape[0], -1))(z, r_B, t_B)


def open_export(path: Path, checkpoint: str | None = None, given: Mapping[str, str] | None = None) -> ExportedRun:
    """Open a run for its export.

    Args:
        path: the run's folder.
        checkpoint: `best`, `latest` or an optimiser step; the newest when None.
        given: covariates of its samples by name.

    Raises:
        InputError: no such covariate or value, there is no run, or no such checkpoint of its configuration.
    """
    run, config = open_run(path)
    y_1K = given_covariates(config.covariates, given or {}, 1)
    found = named_checkpoint(run.root, checkpoint)
    refuse_other_configuration(found, run, config)
    net = sampling_net(found, config).requires_grad_(False)
    kind = "averaged weights" if is_averaged(config) else "weights themselves, of a run without an average,"
    weights = f"{kind} of optimiser step {found.step}{won_by(found)}"
    return ExportedRun(run, config, run_latents(run, config), net, found.step, weights, y_1K)
