"""Numerical faults put into a running trainer, to measure what each does to every column of a trace.

Each is a wrong number, not a crash; each names the stage of the step in which a trace must show it first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import torch

from neuromf.config.load import validate
from neuromf.config.schema import Config
from neuromf.flow import mf_derivative
from neuromf.flow import objective as flow_objective
from neuromf.flow import weighting as flow_weighting
from neuromf.flow.jvp import Derivative
from neuromf.training.batches import times as batch_times
from neuromf.training.step import backward
from neuromf.training.step.ema import Ema

Context = contextlib.AbstractContextManager[Any]


@dataclass(frozen=True)
class NumericalFault:
    """One fault.

    Attributes:
        name: a word for tables.
        law: the law it breaks.
        stage: stage of the trace in which it is first seen.
        what: what is wrong, in a few words.
        config: the configuration with the fault, where it is one of values.
        code: a context in which the trainer's code has the fault, where it is one of code.
    """

    name: str
    law: str
    stage: str
    what: str
    config: Callable[[Config], Config] | None = None
    code: Callable[[], Context] | None = None

    def changed(self, config: Config) -> Config:
        """The configuration that is trained."""
        return self.config(config) if self.config is not None else config

    def injected(self) -> Context:
        """The context in which it is trained."""
        return self.code() if self.code is not None else contextlib.nullcontext()


def _with(**changes: Callable[[Any], object]) -> Callable[[Config], Config]:
    """Change values of a configuration; `section__key=function` gives the new value from the old."""

    def change(config: Config) -> Config:
        tree = config.model_dump(mode="json")
        for path, function in changes.items():
            section, key = path.split("__")
            tree[section][key] = function(tree[section][key])
        return validate(tree)

    return change


def _patched(target: object, name: str, value: Callable[[Any], object]) -> Callable[[], Context]:
    """Replace an attribute by a function of what it was."""
    return lambda: mock.patch.object(target, name, value(getattr(target, name)))


@contextlib.contextmanager
def _reversed_path() -> Iterator[None]:
    """Wherever the objective asks for a point of it."""
    places = (flow_objective, mf_derivative)
    with contextlib.ExitStack() as stack:
        for place in places:
            stack.enter_context(mock.patch.object(place, "interpolate", _swapped_path(place.interpolate)))
        yield


def _negated_derivative(original: Callable[..., Any]) -> Callable[..., Any]:
    def derivative(*arguments: object) -> Any:  # noqa: ANN401
        result = original(*arguments)
        return replace(result, dudt=-result.dudt)

    return derivative


def _scaled_tangent(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda field, z, r, t, tangent, *rest: original(field, z, r, t, 1.01 * tangent, *rest)


def _rounded_derivative(original: Callable[..., Any]) -> Callable[..., Any]:
    def derivative(*arguments: object) -> Any:  # noqa: ANN401
        result = original(*arguments)
        return replace(result, dudt=result.dudt.bfloat16().to(result.dudt.dtype))

    return derivative


def _rounded_error(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda error, *rest: original(error.bfloat16().to(error.dtype), *rest)


def _attached_weight(_: object) -> Callable[..., torch.Tensor]:
    return lambda loss_B, norm_eps, norm_p: (loss_B + norm_eps).pow(-norm_p)


@contextlib.contextmanager
def _attached_derivative() -> Iterator[None]:
    """du/dt with gradient: the derivative is taken with the graph kept."""

    def derivative(field: Any, z: Any, r_B: Any, t_B: Any, tangent: Any, _: object) -> Any:  # noqa: ANN401
        with torch.enable_grad(), torch.autocast(z.device.type, enabled=False):
            result = torch.func.jvp(lambda p, t: field(p, r_B, t), (z, t_B), (tangent, torch.ones_like(t_B)))
        return Derivative(result[0].detach(), result[1])

    def alone(shares: Any, *_: object) -> Any:  # noqa: ANN401
        return [[share] for share in shares]  # of two that share a pass, the second would find its graph gone

    kept = mock.patch.object(mf_derivative, "total_derivative", derivative)
    with kept, mock.patch.object(backward, "sharing_a_derivative", alone):
        yield


def _shifted_clamp(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda output, z, t_B, prediction, t_min: original(output, z, t_B, prediction, 1.5 * t_min)


def _swapped_path(_: object) -> Callable[..., Any]:
    def interpolate(x: torch.Tensor, e: torch.Tensor, t_B: torch.Tensor) -> torch.Tensor:
        t = t_B.reshape(-1, *(1,) * (x.ndim - 1))
        return t * x + (1 - t) * e

    return interpolate


def _unsorted_times(original: Callable[..., Any]) -> Callable[..., Any]:
    def draw(normal: Any, uniform: Any, is_fm: Any, settings: Any) -> Any:  # noqa: ANN401
        pairs = original(normal, uniform, is_fm, settings)
        return replace(pairs, t_B=(pairs.t_B + pairs.r_B) / 2)

    return draw


def _halved_average(original: Callable[..., Any]) -> Callable[..., Any]:
    def update(self: Ema, model: torch.nn.Module) -> None:
        original(self, model)
        original(self, model)

    return update


FAULTS = (
    NumericalFault("data_seed", "DATA-002", "batch", "another order of data",
                   _with(training__seed=lambda s: s + 1)),
    NumericalFault("mean_times", "TIME-003", "times", "t is the mean of the pair", None,
                   _patched(batch_times, "draw_times", _unsorted_times)),
    NumericalFault("data_proportion", "TIME-002", "times", "a fifth more FM samples",
                   _with(time_sampling__data_proportion=lambda p: min(1.0, p + 0.2))),
    NumericalFault("path_reversed", "PATH-001", "path", "x and e change places", None,
                   _reversed_path),
    NumericalFault("time_scale", "JVP-005", "derivative", "the embedding runs 1 % fast",
                   _with(unet__time_scale=lambda s: 1.01 * s)),
    NumericalFault("clamp", "TIME-004", "forward", "1/t is clamped at 1.5 t_min", None,
                   _patched(flow_objective, "average_velocity", _shifted_clamp)),
    NumericalFault("tangent", "JVP-001", "derivative", "the tangent is 1 % too long", None,
                   _patched(mf_derivative, "total_derivative", _scaled_tangent)),
    NumericalFault("derivative_narrow", "PREC-001", "derivative", "du/dt is rounded to bfloat16", None,
                   _patched(mf_derivative, "total_derivative", _rounded_derivative)),
    NumericalFault("derivative_sign", "JVP-001", "target", "du/dt has the wrong sign", None,
                   _patched(mf_derivative, "total_derivative", _negated_derivative)),
    NumericalFault("loss_narrow", "PREC-001", "weighting", "the squared error is rounded to bfloat16", None,
                   _patched(flow_objective, "reduce_dims", _rounded_error)),
    NumericalFault("norm_eps", "WGT-001", "weighting", "norm_eps is 100 times larger",
                   _with(meanflow__norm_eps=lambda c: 100 * c)),
    NumericalFault("reduction", "WGT-003", "weighting", "the other reduction with the same norm_eps",
                   _with(meanflow__reduction=lambda r: "sum" if r == "mean" else "mean")),
    NumericalFault("weight_attached", "WGT-001", "gradient", "the weight is not detached", None,
                   _patched(flow_weighting, "adaptive_weight", _attached_weight)),
    NumericalFault("derivative_attached", "JVP-002", "gradient", "du/dt is not detached", None, _attached_derivative),
    NumericalFault("micro_batch_mean", "BATCH-002", "gradient", "the loss is not divided by the accumulation", None,
                   _patched(backward, "run_facts", lambda original: lambda c: replace(original(c), effective_batch=max(
                       1, original(c).effective_batch // c.training.gradient_accumulation_steps - 1)))),
    NumericalFault("learning_rate", "LR-002", "optimiser", "the rate is 1 % too high",
                   _with(training__learning_rate=lambda r: 1.01 * r)),
    NumericalFault("beta2", "OPT-001", "optimiser", "Adam's second window is a fifth longer",
                   _with(training__beta2=lambda b: 1 - (1 - b) / 1.2)),
    NumericalFault("ema", "EMA-001", "ema", "the average is updated twice a step", None,
                   _patched(Ema, "update", _halved_average)),
)  # fmt: skip
"""In causal order of the stage that must show them."""
