"""Benign changes of how the same numbers are computed, to measure how much a healthy trace moves."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from neuromf.config.load import validate
from neuromf.config.schema import Config
from neuromf.golden.runner import threads
from neuromf.training.step.state import TrainState


@contextlib.contextmanager
def plain_kernels() -> Iterator[None]:
    """Convolutions without oneDNN, which add up in another order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own remark on Intel GPUs
        with torch.backends.mkldnn.flags(enabled=False):
            yield


def one_ulp(state: TrainState) -> None:
    """Move one weight by one unit in the last place."""
    with torch.no_grad():
        weight = next(iter(state.model.parameters())).view(-1)
        weight[0] = torch.nextafter(weight[0], torch.tensor(torch.inf))


def per_tensor_optimiser(state: TrainState) -> None:
    """Update one parameter at a time instead of all together."""
    for group in state.optimiser.param_groups:
        group["foreach"] = False


def fused_optimiser(state: TrainState) -> None:
    """Update in one fused kernel."""
    for group in state.optimiser.param_groups:
        group["fused"], group["foreach"] = True, False


def other_accumulation(config: Config) -> Config:
    """The same effective batch from micro-batches of half the size, or of one sample where it cannot be halved."""
    tree = config.model_dump(mode="json")
    training = tree["training"]
    factor = 2 if training["batch_size_per_gpu"] % 2 == 0 else training["batch_size_per_gpu"]
    training["batch_size_per_gpu"] //= factor
    training["gradient_accumulation_steps"] *= factor
    training["micro_batches_per_epoch"] *= factor
    return validate(tree)


def _in_float32(config: Config) -> bool:
    """Without oneDNN torch has no bfloat16 convolution whose gradient it can take."""
    return config.training.precision == "fp32"


@dataclass(frozen=True)
class Perturbation:
    """One benign change.

    Attributes:
        name: a word for tables.
        context: in which the case is run.
        config: from the case's configuration to one that means the same.
        state: applied to the state before the first step.
        fits: whether torch can run a configuration so.
    """

    name: str
    context: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    config: Callable[[Config], Config] = lambda config: config
    state: Callable[[TrainState], None] = lambda state: None
    fits: Callable[[Config], bool] = lambda config: True


PERTURBATIONS = (
    Perturbation("threads", context=lambda: threads(2)),
    Perturbation("kernels", context=plain_kernels, fits=_in_float32),
    Perturbation("one_ulp", state=one_ulp),
    Perturbation("accumulation", config=other_accumulation),
    Perturbation("per_tensor", state=per_tensor_optimiser),
    Perturbation("fused", state=fused_optimiser),
)
