"""The mathematics that exported weights need to be used rightly, in words and numbers."""

from __future__ import annotations

from typing import Any

from neuromf.config.covariates import Covariate, parse_covariates
from neuromf.export.subject import ExportedRun

FROM_OUTPUT = {"u": "u = output", "x": "u = (z - output) / max(t, t_min)"}
"""The average velocity of what the network gives."""
NOISE = (
    "sample i of a seed begins with numpy.random.Generator(numpy.random.Philox(key=[seed, 3], counter=[0, 0, i, 0]))"
    ".standard_normal((C, D, H, W), dtype=float32)"
)


def conventions(subject: ExportedRun) -> dict[str, Any]:
    """Times, prediction, steps, normalisation and scale of a run."""
    meanflow, unet = subject.config.meanflow, subject.config.unet
    description = subject.store.description
    return {
        "path": "z_t = (1 - t) x + t e: t = 0 is data x, t = 1 is standard normal noise e",
        "velocity": "u(z, r, t) is the average velocity between r and t, 0 <= r <= t <= 1",
        "prediction": meanflow.prediction,
        "average_velocity": FROM_OUTPUT[meanflow.prediction],
        "t_min": meanflow.t_min,
        "conditioning": unet.conditioning,
        "time_scale": unet.time_scale,
        "covariates": _covariates(subject),
        "step": "z_r = z_t - (t - r) u(z_t, r, t); in one step x = e - u(e, 0, 1)",
        "followed": "u(z, t, t): trained as flow matching, use many steps" if subject.follows_flow else "u(z, r, t)",
        "noise": NOISE,
        "latent_shape": list(subject.store.latent_shape),
        "normalisation": "latent = normalised * std + mean, by channel",
        "mean": list(description.statistics.mean),
        "std": list(description.statistics.std),
        "scale_factor": description.scale_factor,
        "decoding": "the autoencoder decodes latent / scale_factor; volumes are clamped to [0, 1]",
    }


def _covariates(subject: ExportedRun) -> dict[str, Any] | str:
    """How covariates become inputs of the network, in order, and those that samples of the export have."""
    if subject.y_1K is None:
        return "none: the network is told of the times alone"
    columns = parse_covariates(subject.config.covariates.columns)
    return {"inputs": [_inputs(one) for one in columns], "given": subject.y_1K[0].tolist()}


def _inputs(one: Covariate) -> str:
    if one.bounds is None:
        return f"{one.name}: 1 for its class of {', '.join(one.classes)}, 0 for the others; all 0 where unknown"
    low, high = one.bounds
    return f"{one.name}: 1, then 2 (value - {low:g}) / {high - low:g} - 1; 0 and 0 where unknown"
