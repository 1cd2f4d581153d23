"""Raw losses of the averaged weights on single scans; nothing that trains is touched (law EMA-003)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.flow.batch import Batch
from neuromf.flow.network import Net
from neuromf.flow.number_type import computed_in
from neuromf.flow.objective import meanflow_objective
from neuromf.monitor.checks.probes import state_digest
from neuromf.training.held_out.cost import DRAWS
from neuromf.training.held_out.draws import judged_kinds
from neuromf.training.step.state import TrainState


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate a model without gradient; its modules' modes and torch's randomness are as before after it."""
    modes = {module: module.training for module in model.modules()}
    devices = {parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"}
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(sorted(devices, key=str)):
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def scan_losses(net: Net, batch: Batch, config: Config) -> Tensor:
    """Raw losses of one scan, float64 (kind, draw), squared latent per dim; NaN for a kind that the run does not train.

    A scan is a pass of its own, so that its numbers do not depend on which others a rank has.

    Args:
        net: with the weights that are judged.
        batch: of `scan_batch`.
        config: the run.

    Returns:
        Of the FM samples, then of the MF samples.
    """
    with computed_in(config.training.precision, batch.x.device.type):
        objective = meanflow_objective(net, batch, objective_settings(config.meanflow))
    error_B = objective.terms["velocity"].squared_error.double().flatten(1).mean(1)
    found = torch.full((2, DRAWS), torch.nan, dtype=torch.float64, device=error_B.device)
    for is_fm, part in zip(judged_kinds(config), torch.split(error_B, DRAWS), strict=True):
        found[0 if is_fm else 1] = part
    return found


def total(flow: Tensor, meanflow: Tensor, config: Config) -> Tensor:
    """The raw total loss of a training whose FM and MF samples have these losses, as its trace counts it."""
    share = config.time_sampling.data_proportion
    velocity = flow if share == 1 else meanflow if share == 0 else share * flow + (1 - share) * meanflow
    return velocity + flow if config.meanflow.loss_terms == "dual" else velocity


def training_digest(state: TrainState) -> str:
    """Of all that a validation must leave as it was: weights, buffers, average, the optimiser's moments, randomness."""
    moments = (
        value
        for parameter in state.parameters
        for value in state.optimiser.state.get(parameter, {}).values()
        if isinstance(value, Tensor)
    )
    return state_digest((*state.model.state_dict().values(), *state.ema.shadow.values(), *moments))
