"""How samples, channels and large errors share the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import meanflow, measured, review
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

INVARIANCE_TOLERANCE = 1e-12
"""Relative, in float64: a sample's loss is a sum over its own 442,368 dims, whatever stands beside it in the batch."""
BALANCE_TOLERANCE = 1e-6
"""Relative: standard deviations are kept in float32 at the worst."""

RARE_SHARE = 0.25
"""Of the larger of two velocities at one point: the skewed case by which a power is judged."""
LARGEST_BIAS = 0.1
"""Standard deviations: a hundredth of the variance, which powers of 1.83 to 2.25 keep."""


def minimiser_bias(power: float, share: float = RARE_SHARE) -> float:
    r"""How far the minimiser of :math:`E|u - v|^p` is from the mean, in standard deviations.

    For a velocity that is 1 with probability `share` and else 0: the derivative vanishes where
    :math:`q (1-u)^{p-1} = (1-q) u^{p-1}`, that is u = k/(1 + k), :math:`k = (q/(1-q))^{1/(p-1)}`. At p = 1 it is the
    median.

    Args:
        power: p, at least 1.
        share: q, between 0 and 1.
    """
    if power == 1:
        minimiser = float(share > 0.5)
    else:
        k = (share / (1 - share)) ** (1 / (power - 1))
        minimiser = k / (1 + k)
    return (minimiser - share) / math.sqrt(share * (1 - share))


def learns_the_mean(*, power: float) -> Finding:
    """Judge how far from the mean velocity a loss of this power settles, on a skewed velocity.

    Args:
        power: p of the error.
    """
    bias = minimiser_bias(power)
    side = "below" if bias < 0 else "above"
    detail = (
        f"where a velocity is 1 in a quarter of cases and else 0, the minimum of |u - v|^{power:g} is "
        f"{abs(bias):.2g} standard deviations {side} their mean"
    )
    detail = detail if power != 2 else ""
    passing = "meanflow.loss_power=2.0"
    return at_most(abs(bias), LARGEST_BIAS, unit="standard deviations", detail=detail, passing_value=passing)


def independent_samples(*, difference: float) -> Finding:
    """Judge how much a sample's weighted loss changes with its place and company, relative to itself."""
    return at_most(difference, INVARIANCE_TOLERANCE, unit="relative")


def balanced_channels(*, weights: Sequence[float], variances: Sequence[float]) -> Finding:
    """Judge the expected weighted loss of each channel, lambda_c sigma_c^2, for its spread around the mean.

    Args:
        weights: factor on each channel's squared error.
        variances: variance of each channel of the latents the loss is taken on.
    """
    shares = [weight * variance for weight, variance in zip(weights, variances, strict=True)]
    mean = math.fsum(shares) / len(shares) if shares else math.nan
    spread = max((abs(share / mean - 1) for share in shares), default=math.nan) if mean > 0 else math.nan
    listed = ", ".join(f"{share:.6g}" for share in shares)
    return at_most(spread, BALANCE_TOLERANCE, unit="relative", detail=f"lambda_c sigma_c^2 is {listed}")


LAWS = (
    Law(
        id="LOSS-001",
        title="samples are weighted alone",
        statement="A sample's weighted loss depends on that sample alone: not on its place, micro-batch or device.",
        equation=r"\tilde L_i(\{z_j\}_j) = \tilde L_i(z_i)",
        sources=(meanflow("section 4.3 and appendix B.2, Eq. 22"), review("section 2 and 5.2")),
        severity=Severity.BLOCK,
        predicate=independent_samples,
        example={"difference": 1e-16},
        counterexample={"difference": 0.3},
        remedy="Reduce over a sample's own dims before the weight, and over samples after it.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("B1",),
    ),
    Law(
        id="LOSS-002",
        title="precision weights",
        statement="Inverse-variance channel weights are 1/sigma_c^2, so that every channel adds as much to the loss.",
        equation=r"\lambda_c = 1/\sigma_c^2,\quad \lambda_c\,\mathbb{E}\|z_c - \mu_c\|^2 = D_c",
        sources=(review("section 4.3"), measured("tests/laws/test_law_loss.py")),
        severity=Severity.BLOCK,
        predicate=balanced_channels,
        example={"weights": (4.0, 1.0), "variances": (0.25, 1.0)},
        counterexample={"weights": (2.0, 1.0), "variances": (0.25, 1.0)},
        remedy="Compute the weights from the variance of the training latents, channel by channel.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="LOSS-003",
        title="the loss of a mean",
        statement="Of all losses |V - v|^p only the square has the mean velocity as its minimum; others shift samples.",
        equation=r"\arg\min_u \mathbb{E}|u - v|^p = \mathbb{E}\,v \text{ for every } v \iff p = 2",
        sources=(measured("tests/laws/test_law_loss_power.py"),),
        severity=Severity.WARN,
        basis=Basis.MATHEMATICS,
        predicate=learns_the_mean,
        example={"power": 2.0},
        counterexample={"power": 1.0},
        remedy="Set meanflow.loss_power=2.0; sweep other powers by the quality of samples, not by their own loss.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
    ),
)
