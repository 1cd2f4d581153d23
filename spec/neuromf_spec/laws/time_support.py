"""Whether the times that are drawn cover what is asked of the model later."""

from __future__ import annotations

from neuromf_spec.bounds import at_least
from neuromf_spec.citations import meanflow, pixel_meanflow, review
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

LONG_GAP = 0.9
"""An interval t - r above this counts as the neighbourhood of the one-step query (r, t) = (0, 1)."""
SUPPORT = 1e-3
"""Smallest share of MF samples that must fall there: one in 1,000, or 60 in a run of the review's 15,000 x 4."""
IMAGE_DIMS = 4_096
"""Latents as large as ImageNet's 32 x 32 x 4, where MeanFlow uses 0.75; at 3,072 dims CIFAR works with 0.25."""
MAJORITY = 0.5


def one_step_support(*, probability: float, mf_samples: float | None = None) -> Finding:
    """Judge P(t - r > 0.9) among MF samples, and whether a run draws any such pair at all.

    Args:
        probability: P(t - r > 0.9) of an MF sample.
        mf_samples: MF samples of the whole run, None where that is not known.
    """
    drawn = None if mf_samples is None else probability * mf_samples
    rare = not probability >= 0 or (drawn is not None and not drawn >= 1)
    return at_least(
        probability,
        SUPPORT,
        unit="of MF samples",
        detail="one-step sampling asks for u(e, 0, 1); where no such pair is drawn the answer is extrapolation"
        + ("" if drawn is None else f". {drawn:,.3g} are drawn in the whole run")
        + ". MeanFlow itself was published at 1.4e-05",
        passing_value="time_sampling.uniform_fraction=0.2",
        severity=Severity.WARN if rare else Severity.INFO,
    )


def flow_majority(*, data_proportion: float, latent_dims: int) -> Finding:
    """Judge the share of FM samples at the size of the latent."""
    required = MAJORITY if latent_dims >= IMAGE_DIMS else 0.0
    return at_least(
        data_proportion,
        required,
        unit="of samples",
        detail=(
            f"at {latent_dims:,} dims; it modulates and does not cause: with exact derivatives at time scale 1 the "
            "share 0.25 trains too, a published run with it at 4,096 dims has FID 5.40 (alpha-Flow B/2), and the "
            "review's reason (variance growing with the Jacobian's size) is not one"
        ),
        passing_value="time_sampling.data_proportion=0.75",
    )


LAWS = (
    Law(
        id="TIME-005",
        title="one-step query is trained",
        statement="Intervals as long as the one-step query, t - r > 0.9, are at least 1 in 1,000 MF samples.",
        equation=r"P(t - r > 0.9 \mid r < t) \ge 10^{-3}",
        sources=(meanflow("section 4.1, one-step sampling"), pixel_meanflow("code, pmf.py:144, 10 % uniform pairs")),
        severity=Severity.INFO,
        basis=Basis.PUBLISHED,
        predicate=one_step_support,
        example={"probability": 2e-3},
        counterexample={"probability": 1.4e-5},
        remedy="Draw a share of the pairs uniformly.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
    ),
    Law(
        id="TIME-006",
        title="flow-matching majority",
        statement="On latents of 4,096 dims or more at least half of the samples have r = t.",
        equation=r"D \ge 4096 \implies p \ge 1/2",
        sources=(review("section 3.3, RC3"), meanflow("Table 4, ratio of r != t 25 % on ImageNet")),
        severity=Severity.INFO,
        basis=Basis.PUBLISHED,
        predicate=flow_majority,
        example={"data_proportion": 0.25, "latent_dims": 3_072},
        counterexample={"data_proportion": 0.25, "latent_dims": 442_368},
        remedy="Raise time_sampling.data_proportion to 0.75, as published for ImageNet.",
        enforcers=frozenset({Enforcer.STATIC}),
        kills=("T1",),
    ),
)
