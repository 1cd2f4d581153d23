"""What average and instantaneous velocity owe each other."""

from __future__ import annotations

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import improved_meanflow, meanflow
from neuromf_spec.law import Enforcer, Finding, Law, Severity

IDENTITY_TOLERANCE = 1e-9
"""Relative, in float64: closed forms agree to 1e-12, autograd through them to 1e-11."""
TANGENT_TOLERANCE = 1e-12
"""Relative, in float64: where r = t the derivative is multiplied by zero, so that only summation order can differ."""


def average_velocity_identity(*, residual: float) -> Finding:
    """Judge the residual of an identity, relative to the velocity's size."""
    return at_most(residual, IDENTITY_TOLERANCE, unit="relative")


def tangent_irrelevant(*, difference: float) -> Finding:
    """Judge how far a loss at r = t moves when the tangent is replaced, relative to the loss."""
    return at_most(difference, TANGENT_TOLERANCE, unit="relative")


LAWS = (
    Law(
        id="ID-001",
        title="MeanFlow identity",
        statement="An average velocity equals v at r = t, composes over intervals and satisfies u = v - (t - r) du/dt.",
        equation=r"u = v - (t-r)\tfrac{du}{dt},\quad (t-r)u(z_t,r,t) = (s-r)u(z_s,r,s) + (t-s)u(z_t,s,t)",
        sources=(meanflow("section 4.1, Eq. 3 and Eq. 6"),),
        severity=Severity.BLOCK,
        predicate=average_velocity_identity,
        example={"residual": 1e-12},
        counterexample={"residual": 0.1},
        remedy="Check the sign of the correction, its factor t - r and the path's direction.",
        enforcers=frozenset({Enforcer.PROPERTY}),
        kills=("L6", "J2"),
    ),
    Law(
        id="ID-002",
        title="tangent is irrelevant at r = t",
        statement="Where r = t neither the compound velocity nor the loss depends on the tangent.",
        equation=r"r = t \implies V = u,\ \partial L/\partial\,\mathrm{tangent} = 0",
        sources=(improved_meanflow("v-loss on the compound velocity V"),),
        severity=Severity.BLOCK,
        predicate=tangent_irrelevant,
        example={"difference": 0.0},
        counterexample={"difference": 0.01},
        remedy="Multiply du/dt by t - r, with r = t exactly on FM samples.",
        enforcers=frozenset({Enforcer.PROPERTY}),
        kills=("J2", "J7"),
    ),
)
