"""What the conformance suite judges by is right itself: hand-computed rates and gradients against differences."""

from dataclasses import replace

import numpy as np
import pytest
from neuromf_spec.conformance.batch import GivenBatch, OwnField
from neuromf_spec.conformance.conduct import conduct_of
from neuromf_spec.conformance.declaration import Declaration, Guidance
from neuromf_spec.conformance.fields import Gaussian, Moves, Polynomial, evaluate, rate
from neuromf_spec.conformance.objective import Setting
from neuromf_spec.reference.gaussian import GaussianFlow

NAMES = ("one", "z", "r", "t", "gap", "zz", "zt", "zr", "tt")
GENERATOR = np.random.default_rng(0)
PARAMETERS = {name: float(GENERATOR.standard_normal()) for name in NAMES}
Z, R, T, V = GENERATOR.standard_normal((2, 3)), np.array([0.2, 0.3]), np.array([0.7, 0.9]), np.ones((2, 3)) * 0.6
STEP = 1e-6


@pytest.mark.parametrize("field", [Polynomial(), Gaussian(0.4, 0.6), Gaussian(0.4, 0.6, "x")], ids=str)
@pytest.mark.parametrize("moves", [(1.0, 0.0, 1.0), (0.5, 1.0, 0.0), (0.0, 0.3, -1.0)], ids=str)
def test_rates_by_hand_are_those_of_central_differences(field, moves):
    """Along any move of (z, r, t) a field changes as its hand-computed rate says."""
    dz, dr, dt = moves[0] * V, moves[1], moves[2]
    ahead, behind = (evaluate(field, PARAMETERS, Z + h * dz, R + h * dr, T + h * dt) for h in (STEP, -STEP))
    found = rate(field, PARAMETERS, Z, R, T, Moves(dz, dr, dt))
    np.testing.assert_allclose(found, (ahead - behind) / (2 * STEP), atol=1e-8)


def test_the_gaussian_field_is_the_reference_one():
    """Written with operators alone it is the average velocity of the reference."""
    flow = GaussianFlow(np.array(0.4), np.array(0.6))
    r, t = R[:, None], T[:, None]
    np.testing.assert_allclose(evaluate(Gaussian(0.4, 0.6), {}, Z, R, T), flow.average_velocity(Z, r, t), atol=1e-14)


def test_a_code_with_data_at_one_meets_the_mirrored_field():
    """Its times run the other way, its velocity has the other sign, and data have none."""
    field = Polynomial()
    own, data = OwnField(field, 1), OwnField(field, 1, predicts_data=True)
    expected = evaluate(field, PARAMETERS, Z, R, T)
    np.testing.assert_allclose(own(PARAMETERS, Z, 1 - R, 1 - T), -expected)
    np.testing.assert_allclose(data(PARAMETERS, Z, 1 - R, 1 - T), expected)


DECLARED = {
    "u": Declaration(norm_p=0.75, norm_eps=0.01, reduction="mean"),
    "x": Declaration(prediction="x", t_min=0.05, norm_p=0.5),
    "dual, model": Declaration(terms="dual", tangent="model"),
    "guided": Declaration(guidance=Guidance(scale=0.6, mix=0.2)),
}


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("weight_detached", [True, False])
def test_gradients_by_hand_are_those_of_differences(name, weight_detached):
    """Target and weight held as the conduct says, the gradient is the slope of the loss that is left."""
    conduct = replace(conduct_of(DECLARED[name]), weight_detached=weight_detached)
    batch = GivenBatch(GENERATOR.standard_normal((2, 3)), GENERATOR.standard_normal((2, 3)), R, T, np.array([3, 3]))
    parameters = {**PARAMETERS, "label": 0.1} if name == "guided" else PARAMETERS
    setting = Setting(conduct, Polynomial(), parameters, batch)
    found = setting.expected().gradient
    fixed = [term.residual.copy() for term in setting.terms()]

    def loss(key, by):
        total = 0.0
        for term, residual in zip(setting.terms(), fixed, strict=True):
            held = (residual**2).sum(1) / conduct.divisor
            moved = ((residual + by * term.slopes[key]) ** 2).sum(1) / conduct.divisor
            base = held if weight_detached else moved
            total += ((base + conduct.constant) ** -conduct.power * moved).mean()
        return total

    for key, value in found.items():
        assert value == pytest.approx((loss(key, STEP) - loss(key, -STEP)) / (2 * STEP), abs=1e-7)
