"""What the two studies train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from neuromf.flow.settings import ObjectiveSettings, TimeSettings
from neuromf.torus.net import TorusNet
from neuromf.torus.recipe import TorusSettings
from tools.studies.torus.nets import BoundedDerivative, TorusTransformer

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Values of data_proportion that the public code's torus ablation swept (its `ablation_e.yaml`)."""
SHARE_SEEDS, SCALE_SEEDS = tuple(range(6)), tuple(range(3))

OBJECTIVES = {
    "ablation": (
        ObjectiveSettings(prediction="u", loss_terms="dual", reduction="sum", norm_eps=0.01, t_min=0.001),
        TimeSettings(uniform_fraction=0.0, t_min=0.001),
    ),
    "recommended": (ObjectiveSettings(), TimeSettings()),
}
"""The objective of the public code's ablation (MarioPasc/neuromf, src/neuromf/losses/meanflow_jvp.py at 82394e8), and
that of the recipe `recommended`."""


@dataclass(frozen=True)
class ShareSetting:
    """One row of the sweep: which objective, how many dims, which share of FM samples."""

    objective: str
    dims: int
    share: float

    def training(self) -> TorusSettings:
        """The training's settings."""
        objective, times = OBJECTIVES[self.objective]
        trained = TorusSettings(objective=objective, times=replace(times, data_proportion=self.share), dims=self.dims)
        return replace(trained, steps=2000, learning_rate=1e-3) if self.objective == "ablation" else trained


def share_settings() -> list[ShareSetting]:
    """That of `recommended` in 4 and in 64 dims, and the ablation's in 4, with every share."""
    swept = (("recommended", 4), ("recommended", 64), ("ablation", 4))
    return [ShareSetting(name, dims, share) for name, dims in swept for share in SHARES]


@dataclass(frozen=True)
class ScaleSetting:
    """One row of the study of the time scale; the derivative is exact in each.

    Attributes:
        net: `perceptron` or `attention`.
        scale: factor on the times.
        embedding: type that the time embedding is computed in.
        derivative: `plain`, `clipped` or `normalised`.
        qk_norm: whether queries and keys are normalised.
        prediction: what the net outputs.
        share: data_proportion.
        learning_rate: of Adam at the start.
    """

    net: str = "perceptron"
    scale: float = 1.0
    embedding: str = "float32"
    derivative: str = "plain"
    qk_norm: bool = False
    prediction: str = "u"
    share: float = 0.5
    learning_rate: float = 4e-3

    def training(self) -> TorusSettings:
        """The training's settings."""
        objective = ObjectiveSettings(prediction="u" if self.prediction == "u" else "x")
        times = TimeSettings(data_proportion=self.share)
        return TorusSettings(objective=objective, times=times, learning_rate=self.learning_rate, steps=1000)

    def build(self, seeds: Sequence[int]) -> nn.Module:
        """The networks."""
        precision: torch.dtype = getattr(torch, self.embedding)
        net: nn.Module
        if self.net == "attention":
            net = TorusTransformer(seeds, qk_norm=self.qk_norm, time_scale=self.scale, precision=precision)
        else:
            net = TorusNet(seeds, time_scale=self.scale, precision=precision)
        return net if self.derivative == "plain" else BoundedDerivative(net, self.derivative)


def scale_settings() -> list[ScaleSetting]:
    """Each remedy alone and some together, at time scale 1 and 1000."""
    slow: dict[str, object] = {"learning_rate": 4e-4}
    variants: list[dict[str, object]] = [
        {}, {"embedding": "bfloat16"}, {"derivative": "clipped"}, {"derivative": "normalised"},
        {"derivative": "clipped", "embedding": "bfloat16"}, {"prediction": "x"}, {"share": 0.75}, slow,
        {"derivative": "clipped", **slow},
    ]  # fmt: skip
    attention: list[dict[str, object]] = [{}, {"qk_norm": True}]
    both = [*variants, *({"net": "attention", **changes} for changes in attention)]
    settings = [ScaleSetting(scale=scale, **changes) for changes in both for scale in (1.0, 1000.0)]  # type: ignore[arg-type]
    return [ScaleSetting(scale=scale) for scale in (30.0, 100.0, 300.0)] + settings
