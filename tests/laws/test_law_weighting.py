"""The trainer's reduction and weight against laws WGT-001, WGT-003 and WGT-004."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.reference import weighting as reference
from neuromf_spec.registry import law

from neuromf.flow.weighting import adaptive_weight, potential, reduce_dims, weighted_loss
from tests.support.law_strategies import SEEDS


def powers(low, high):
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


LOSSES, EPSILONS, EXPONENTS = powers(-6, 12), powers(-4, 6), st.floats(0, 2)


@pytest.mark.law("WGT-001")
@given(loss=LOSSES, norm_eps=EPSILONS, norm_p=EXPONENTS, dtype=st.sampled_from([torch.float32, torch.float64]))
def test_weight_is_the_formula_and_detached(loss, norm_eps, norm_p, dtype):
    """The weight of a loss is (L + c)^-p for any L, c and p, and carries no gradient."""
    loss_B = torch.tensor([loss], dtype=dtype, requires_grad=True)
    weight = adaptive_weight(loss_B, norm_eps, norm_p)
    assert not weight.requires_grad
    judged = law("WGT-001").predicate(weight=weight.item(), loss=loss_B.item(), norm_eps=norm_eps, norm_p=norm_p)
    assert judged.passed, judged


def gradient(function, loss):
    loss_B = torch.tensor([loss], dtype=torch.float64, requires_grad=True)
    function(loss_B).sum().backward()
    return loss_B.grad.item()


@pytest.mark.law("WGT-001")
@given(loss=LOSSES, norm_eps=EPSILONS, norm_p=EXPONENTS)
def test_gradient_factor_is_the_weight(loss, norm_eps, norm_p):
    """The weighted loss's gradient is the raw gradient times (L + c)^-p exactly."""
    factor = gradient(lambda loss_B: weighted_loss(loss_B, norm_eps, norm_p), loss)
    assert law("WGT-001").predicate(weight=factor, loss=loss, norm_eps=norm_eps, norm_p=norm_p).passed


@pytest.mark.law("WGT-001")
@given(loss=LOSSES, norm_eps=EPSILONS)
def test_an_undetached_weight_breaks_the_law(loss, norm_eps):
    """With gradient through the weight the factor is c/(L + c) of the right one, rejected unless that is 1 to 1e-6."""
    factor = float(reference.undetached_factor(np.array(loss), norm_eps, 1.0))
    judged = law("WGT-001").predicate(weight=factor, loss=loss, norm_eps=norm_eps, norm_p=1.0)
    assert judged.passed == (loss / (loss + norm_eps) <= 1e-6)


@pytest.mark.law("WGT-003")
@given(seed=SEEDS, norm_eps=EPSILONS, norm_p=EXPONENTS, dims=st.integers(1, 3000))
def test_sum_and_mean_differ_by_the_reduction_law(seed, norm_eps, norm_p, dims):
    """Summing with c is D^(1-p) times averaging with c/D; with the same c it is not."""
    squared = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, 1, dims)) ** 2)
    summed = weighted_loss(reduce_dims(squared, "sum"), norm_eps, norm_p)
    mean = weighted_loss(reduce_dims(squared, "mean"), norm_eps / dims, norm_p)
    given_c = {"reduction": "sum", "norm_eps": norm_eps, "norm_p": norm_p, "dims": dims}
    for ratio in (summed / mean).tolist():
        assert law("WGT-003").predicate(**given_c, weighted_ratio=ratio).passed
    if dims > 1:
        assert not law("WGT-003").predicate(**given_c, weighted_ratio=1.01 * dims ** (1 - norm_p)).passed


@pytest.mark.law("WGT-003")
@given(
    seed=SEEDS, reduction=st.sampled_from(["mean", "sum"]), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4)
)
def test_reduction_is_per_sample_over_all_other_dims(seed, reduction, shape):
    """A sample's loss is the sum or mean over its channels and voxels, in float32 or wider, whatever the shape."""
    squared = torch.from_numpy(np.random.default_rng(seed).random((3, *shape))).bfloat16()
    reduced = reduce_dims(squared, reduction)
    flat = squared.double().reshape(3, -1)
    expected = flat.sum(1) if reduction == "sum" else flat.mean(1)
    assert reduced.dtype == torch.float32
    assert torch.allclose(reduced.double(), expected, rtol=1e-6, atol=0)  # 8 float32 epsilons for up to 256 terms


@pytest.mark.law("WGT-004")
@given(norm_eps=powers(-3, 3), norm_p=st.floats(0, 1))
def test_reported_objective_rises_strictly_in_float32(norm_eps, norm_p):
    """The potential rises from each loss to one 1 % larger, in float32 from 1e-3 to 1e12, for p up to 1."""
    losses = torch.from_numpy(np.geomspace(1e-3, 1e12, 3473)).float()
    assert law("WGT-004").predicate(values=potential(losses, norm_eps, norm_p).tolist()).passed


@pytest.mark.law("WGT-004")
@given(norm_eps=powers(-3, 3))
def test_weighted_loss_breaks_the_law(norm_eps):
    """The weighted loss at p = 1 stops rising in float32, so that reporting it is rejected."""
    losses = torch.from_numpy(np.geomspace(1e-3, 1e12, 3473)).float()
    assert not law("WGT-004").predicate(values=weighted_loss(losses, norm_eps, 1.0).tolist()).passed


@pytest.mark.law("WGT-004")
@given(loss=LOSSES, norm_eps=EPSILONS, norm_p=st.one_of(st.just(1.0), EXPONENTS))
def test_reported_objective_is_the_integral_of_the_weight(loss, norm_eps, norm_p):
    """The potential is the integral of the weight from 0 to L, and its gradient the weight."""
    value = potential(torch.tensor([loss], dtype=torch.float64), norm_eps, norm_p).item()
    assert value == pytest.approx(reference.potential(loss, norm_eps, norm_p), rel=1e-9)  # quadrature asks for 1e-12
    factor = gradient(lambda loss_B: potential(loss_B, norm_eps, norm_p), loss)
    assert factor == pytest.approx(float(reference.weight(np.array(loss), norm_eps, norm_p)), rel=1e-9)
