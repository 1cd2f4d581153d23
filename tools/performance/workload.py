"""The same network and batch as a flow-matching step and as a MeanFlow step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from neuromf.config import Config, load_config
from neuromf.config.flow_settings import objective_settings
from neuromf.flow.batch import Batch
from neuromf.flow.network import Net
from neuromf.flow.number_type import computed_in
from neuromf.flow.objective import meanflow_objective
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.nets.unet import MeanFlowUnet, build_unet
from tools.performance.plain import plain_objective

MEANFLOW_FRACTION = 0.25
CPU_SETTING = (
    # `recommended` at a quarter of its width on latents of a third of its edge: what two cores train.
    "data.spacing_mm=3.0",
    "data.shape=[64,64,64]",
    "unet.channels=[16,32,64,128]",
    "unet.head_channels=16",
    "unet.norm_num_groups=8",
)
Step = Callable[[], None]
"""One forward and backward pass from cleared gradients."""


@dataclass(frozen=True)
class Workload:
    """A network with randomised output and one batch in two readings.

    Attributes:
        config: the run it stands for.
        net: on the device.
        flow: every sample at r = t.
        meanflow: the same, but for the first quarter of the samples with r < t.
    """

    config: Config
    net: MeanFlowUnet
    flow: Batch
    meanflow: Batch


def build_workload(config: Config, batch_size: int, device: torch.device, seed: int = 0) -> Workload:
    """Draw latents and times, and build the network of `config` with weights that are not zero anywhere."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch_size, *config.latent_shape)
    x, e = (torch.randn(shape, generator=generator).to(device) for _ in range(2))
    t_B = 0.05 + 0.9 * torch.rand(batch_size, generator=generator)
    r_B = t_B.clone()
    r_B[: max(1, round(MEANFLOW_FRACTION * batch_size))] *= 0.4
    r_B, t_B = r_B.to(device), t_B.to(device)
    net = build_unet(config.unet, v_head=False, seed=seed).to(device)
    net.load_state_dict(randomised_copy(net, seed).state_dict())
    return Workload(config, net, flow=Batch(x, e, t_B, t_B), meanflow=Batch(x, e, r_B, t_B))


def cpu_workload() -> Workload:
    """What the benchmark measures on a processor."""
    return build_workload(load_config(["recommended"], list(CPU_SETTING)), 16, torch.device("cpu"))


Kind = Literal["flow matching", "exact MeanFlow", "improved MeanFlow", "plain MeanFlow", "checkpointed MeanFlow"]
TANGENTS: dict[Kind, Literal["model"]] = {"improved MeanFlow": "model"}
"""Every other kind takes the derivative along v_c, as the first paper does."""


def steps(workload: Workload, net: Net | None = None) -> dict[Kind, Step]:
    """The kinds of step that are compared, each under the configuration's precision.

    Args:
        workload: network and batches.
        net: network for the pass with gradient, when it is not the workload's own (a compiled one).
    """
    base = objective_settings(workload.config.meanflow)

    def own(batch: Batch, kind: Kind, checkpointing: Literal["none", "non_reentrant"] = "none") -> Step:
        settings = replace(base, tangent=TANGENTS.get(kind, "conditional"))

        def loss() -> Tensor:
            workload.net.checkpointing = checkpointing
            objective = meanflow_objective(net or workload.net, batch, settings, derivative_net=workload.net)
            return objective.weighted_B.mean()

        return _step(workload, loss)

    def plain() -> Tensor:
        workload.net.checkpointing = "none"
        settings = replace(base, tangent="conditional")
        return plain_objective(workload.net, workload.meanflow, settings).weighted_B.mean()

    return {
        "flow matching": own(workload.flow, "flow matching"),
        "exact MeanFlow": own(workload.meanflow, "exact MeanFlow"),
        "improved MeanFlow": own(workload.meanflow, "improved MeanFlow"),
        "plain MeanFlow": _step(workload, plain),
        "checkpointed MeanFlow": own(workload.meanflow, "checkpointed MeanFlow", "non_reentrant"),
    }


def _step(workload: Workload, loss: Callable[[], Tensor]) -> Step:
    device, precision = workload.flow.x.device.type, workload.config.training.precision

    def step() -> None:
        workload.net.zero_grad(set_to_none=True)
        with computed_in(precision, device):
            value = loss()
        value.backward()  # type: ignore[no-untyped-call]

    return step
