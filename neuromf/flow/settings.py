"""What the objective and its time sampler can be set to; the defaults are those of the recipe `recommended`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NumberType = Literal["fp32", "tf32", "bf16"]
"""fp32: 23 bits of mantissa. tf32: on a GPU's tensor cores factors keep 10 bits and sums are float32, elsewhere it is
fp32. bf16: what autocast narrows keeps 7 bits."""


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """The objective: identity, derivative, reduction, weighting.

    Attributes:
        prediction: what the network outputs, the average velocity `u` or the data `x` (pMF, arXiv:2601.22158).
        tangent: velocity along which du/dt is taken: `conditional` e - x (MeanFlow), `model` u(z, t, t) (improved
            MeanFlow), or the network's second head `v_head`.
        jvp: `exact`, in forward mode, or `finite_difference`.
        fd_step: step of the finite difference in t; only with it.
        fd_scheme: of the finite difference: `forward`, u(t + h) against u(t), or `central`, u(t + h) against u(t - h)
            (Transition Models, arXiv:2509.04394).
        derivative_precision: number type of the passes that give du/dt and its tangent, `fp32`, `tf32` or `bf16`,
            whatever it is around them; None takes an exact derivative in float32 and leaves a finite difference inside.
        loss_terms: one velocity loss (`single`), or a flow-matching loss besides (`dual`).
        loss_power: p of the error |V - v_c|^p, at least 1; only 2 learns the mean velocity (law LOSS-003).
        reduction: of a sample's error over its dims, `mean` or `sum`.
        norm_eps: c of the adaptive weight, in the unit of the reduced loss (MeanFlow, Eq. 22).
        norm_p: p of the adaptive weight; 0 switches it off.
        t_min: clamp of every 1/t.
        guidance_scale: omega of the guided velocity (law GUIDE-001), for a network that is told of covariates; 1 with
            guidance_mixing 0 is no guidance.
        guidance_mixing: kappa, the share of the network's own guided velocity; below 1. Samples are guided by the
            factor omega / (1 - kappa).
        guidance_interval: smallest and largest t at which a sample is guided.
    """

    prediction: Literal["u", "x"] = "x"
    tangent: Literal["conditional", "model", "v_head"] = "model"
    jvp: Literal["exact", "finite_difference"] = "exact"
    fd_step: float | None = None
    fd_scheme: Literal["forward", "central"] = "forward"
    derivative_precision: NumberType | None = None
    loss_terms: Literal["single", "dual"] = "single"
    loss_power: float = 2.0
    reduction: Literal["mean", "sum"] = "mean"
    norm_eps: float = 1.0
    norm_p: float = 1.0
    t_min: float = 0.05
    guidance_scale: float = 1.0
    guidance_mixing: float = 0.0
    guidance_interval: tuple[float, float] = (0.0, 1.0)

    @property
    def guided(self) -> bool:
        """Whether the regressed velocity is another than e - x."""
        return (self.guidance_scale, self.guidance_mixing) != (1, 0)

    def __post_init__(self) -> None:
        if (self.jvp == "finite_difference") != (self.fd_step is not None):
            raise ValueError("fd_step must be given with jvp='finite_difference', and only then")
        if not self.loss_power >= 1:
            raise ValueError(f"loss_power {self.loss_power} must be at least 1: below it no mean is a minimum")
        if not self.norm_eps > 0 or not 0 < self.t_min < 1:
            raise ValueError(f"norm_eps {self.norm_eps} must be above 0, and t_min {self.t_min} between 0 and 1")
        scale, mixing, (low, high) = self.guidance_scale, self.guidance_mixing, self.guidance_interval
        if not scale > 0 or not 0 <= mixing < 1:
            raise ValueError(f"guidance_scale {scale} must be above 0, guidance_mixing {mixing} from 0 to below 1")
        if not 0 <= low < high <= 1:
            raise ValueError(f"guidance_interval [{low}, {high}] must rise within 0..1")


@dataclass(frozen=True, kw_only=True)
class TimeSettings:
    """The distribution of (r, t).

    Attributes:
        mu: mean of the logit-normal.
        sigma: its standard deviation.
        r_mu: mean of the second time's logit-normal; None is `mu`. The larger time of a pair is t, the smaller one r
            (MeanFlow's PyTorch code draws t around -0.6 and r around -4).
        r_sigma: its standard deviation; None is `sigma`.
        data_proportion: share of samples with r = t (FM samples, law TIME-002).
        uniform_fraction: share of MF samples whose pair is uniform (law TIME-005).
        t_min: smallest t that is drawn, equal to that of the objective (law TIME-004).
    """

    mu: float = -0.4
    sigma: float = 1.0
    r_mu: float | None = None
    r_sigma: float | None = None
    data_proportion: float = 0.75
    uniform_fraction: float = 0.2
    t_min: float = 0.05

    @property
    def logits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Means, then standard deviations, of the logits of both times of a pair."""
        first, mean, deviation = (self.mu, self.sigma), self.r_mu, self.r_sigma
        second = first[0] if mean is None else mean, first[1] if deviation is None else deviation
        return (first[0], second[0]), (first[1], second[1])
