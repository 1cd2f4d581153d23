"""The straight path between data and noise."""

from __future__ import annotations

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import flow_matching, meanflow
from neuromf_spec.law import Enforcer, Finding, Law, Severity

ROUNDINGS = 4
"""Operations between exact ends and z_t: 1 - t, two products, one sum; each rounds by half an epsilon at most."""


def straight_path(*, error: float, magnitude: float, epsilon: float) -> Finding:
    """Judge a point or a displacement on the path.

    Args:
        error: largest distance from the exact value, in latent units.
        magnitude: largest |x| + |e| that entered.
        epsilon: machine epsilon of the dtype.
    """
    return at_most(error, ROUNDINGS * epsilon * magnitude, unit="latent units")


LAWS = (
    Law(
        id="PATH-001",
        title="straight path",
        statement="The path starts at the data, ends at the noise, and moves with the conditional velocity e - x.",
        equation=r"z_0 = x,\quad z_1 = e,\quad \tfrac{d}{dt} z_t = e - x",
        sources=(flow_matching("section 4.1, optimal transport path"), meanflow("section 3")),
        severity=Severity.BLOCK,
        predicate=straight_path,
        example={"error": 1e-16, "magnitude": 2.0, "epsilon": 2.2e-16},
        counterexample={"error": 1.0, "magnitude": 2.0, "epsilon": 2.2e-16},
        remedy="Interpolate as (1 - t) x + t e with t = 1 at the noise.",
        enforcers=frozenset({Enforcer.PROPERTY}),
        kills=("L6",),
    ),
)
