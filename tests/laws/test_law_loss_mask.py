"""Masks of the loss: unbiased (law MASK-001), and the same in every term (law MASK-002)."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.flow.block_counts import masked_blocks
from neuromf.flow.block_mask import block_mask, draw_block_mask
from neuromf.flow.network import NetOutput
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.settings import ObjectiveSettings
from neuromf.flow.weighting import reduce_dims
from tests.support.law_strategies import SEEDS, draw_batch

GRIDS = [((2, 3, 3), 2, 4), ((4, 2, 2), 2, 2), ((2, 2, 2), 1, 8), ((3, 5), 2, 6), ((7,), 3, 3)]
"""Cells, edge of a block, blocks: whole ones, and such as the edge of the grid cuts."""
SHAPE = (3, 2, 3, 3)


class Outputs:
    """A network with two heads that keeps what it put out with gradient, which is where a loss begins."""

    def __init__(self):
        self.kept = []

    def __call__(self, z, r_B, t_B):
        """Smooth in all three; the same without gradient, for the derivative."""
        r, t = (time.reshape(-1, *(1,) * (z.ndim - 1)) for time in (r_B, t_B))
        heads = torch.sin(z) + t * z + r, torch.cos(z) - t
        if torch.is_grad_enabled():
            heads = tuple(head.detach().requires_grad_() for head in heads)
            self.kept += heads
        return NetOutput(*heads)


def masks_of(shape, block, blocks, masked):
    """Every mask that leaves out so many blocks."""
    return [block_mask(shape, block, np.array(chosen, int)) for chosen in combinations(range(blocks), masked)]


def drawn_mask(seed, size):
    """A mask (B, 1, ...) of single blocks of two cells, another for each sample."""
    draws = np.random.default_rng(seed)
    return torch.from_numpy(np.stack([draw_block_mask(SHAPE[1:], 2, 0.5, draws)[None] for _ in range(size)]))


def gradients(batch, settings):
    """The gradient of each term's loss with respect to both heads, and the objective."""
    net = Outputs()
    objective = meanflow_objective(net, batch, settings)
    found = {}
    for name, term in objective.terms.items():
        parts = torch.autograd.grad(term.loss_B.sum(), net.kept, retain_graph=True, allow_unused=True)
        found[name] = [torch.zeros_like(o) if p is None else p for p, o in zip(parts, net.kept, strict=True)]
    return found, objective


def deviations_of(batch, mask, settings):
    """Of each term's gradient from the mask's weight times that of the whole loss."""
    whole, objective = gradients(batch, settings)
    masked, _ = gradients(replace(batch, mask=mask), settings)
    again = torch.cat([mask, mask[objective.mf_rows]]) if settings.loss_terms == "dual" else mask
    for own in masked.values():
        assert not any((head * (again == 0)).any() for head in own)
    return {
        name: max(
            float((part - again * all_of_it).abs().max() / max(p.abs().max() for p in whole[name]))
            for part, all_of_it in zip(masked[name], whole[name], strict=True)
        )
        for name in whole
    }


@pytest.mark.law("MASK-001")
@pytest.mark.parametrize(("shape", "block", "blocks"), GRIDS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_mean_over_all_masks_is_the_loss_of_all_cells(shape, block, blocks, reduction):
    """Of every number of blocks left out, by counting all choices, with channel weights, in float64."""
    draws = np.random.default_rng(0)
    error = torch.from_numpy(draws.exponential(size=(2, 3, *shape)))
    weights_C = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    whole_B = reduce_dims(error, reduction, weights_C)
    for masked in range(blocks):
        drawn = [torch.from_numpy(mask)[None, None] for mask in masks_of(shape, block, blocks, masked)]
        mean_B = torch.stack([reduce_dims(error, reduction, weights_C, mask) for mask in drawn]).mean(0)
        assert law("MASK-001").predicate(difference=float((mean_B / whole_B - 1).abs().max())).passed


@pytest.mark.law("MASK-001")
def test_a_factor_by_cells_is_biased_where_blocks_differ():
    """The mean over kept cells alone would weigh the edges of a grid too much: five cells in blocks of three."""
    error, masks = np.array([1.0, 1.0, 1.0, 5.0, 5.0]), masks_of((5,), 3, 2, 1)
    by_cells = np.mean([error[mask > 0].mean() for mask in masks])
    by_blocks = np.mean([(error * mask).mean() for mask in masks])
    assert by_blocks == pytest.approx(error.mean())
    assert not law("MASK-001").predicate(difference=abs(by_cells / error.mean() - 1)).passed


@pytest.mark.law("MASK-001")
def test_every_block_is_as_likely_to_be_left_out():
    """Of 4,000 draws of 5 of 12 blocks, each is left out within five standard errors of 5/12."""
    draws = np.random.default_rng(3)
    rates = np.mean([draw_block_mask((3, 4), 1, 5 / 12, draws) == 0 for _ in range(4000)], axis=0)
    np.testing.assert_allclose(rates, 5 / 12, atol=5 * np.sqrt(5 / 12 * 7 / 12 / 4000))


@pytest.mark.law("MASK-002")
@given(
    seed=SEEDS,
    prediction=st.sampled_from(["u", "x"]),
    tangent=st.sampled_from(["conditional", "model", "v_head"]),
    loss_terms=st.sampled_from(["single", "dual"]),
    reduction=st.sampled_from(["mean", "sum"]),
    power=st.sampled_from([1.5, 2.0]),
)
def test_every_term_leaves_out_the_same_cells(seed, prediction, tangent, loss_terms, reduction, power):
    """A masked cell has no gradient, in no channel, and a kept one the rescaled gradient of the whole loss."""
    settings = ObjectiveSettings(
        prediction=prediction, tangent=tangent, loss_terms=loss_terms, reduction=reduction, loss_power=power, norm_p=0.0
    )
    deviations = deviations_of(draw_batch(seed, 4, shape=SHAPE), drawn_mask(seed, 4), settings)
    assert set(deviations) == {"velocity", "v_head"} | ({"flow"} if loss_terms == "dual" else set())
    assert law("MASK-002").predicate(deviations=deviations).passed


@pytest.mark.law("MASK-002")
@given(seed=SEEDS, norm_p=st.sampled_from([0.5, 1.0]))
def test_the_adaptive_weight_is_that_of_the_masked_loss(seed, norm_p):
    """A sample's weight follows the loss that is trained, which is the weighted mean of the kept cells' error."""
    settings = ObjectiveSettings(prediction="u", tangent="v_head", norm_p=norm_p, norm_eps=0.1)
    batch = replace(draw_batch(seed, 3, shape=SHAPE), mask=drawn_mask(seed, 3))
    _, objective = gradients(batch, settings)
    losses = torch.stack([term.loss_B.detach() for term in objective.terms.values()])
    torch.testing.assert_close(objective.weighting.weight_TB, (losses + 0.1).pow(-norm_p), rtol=1e-12, atol=0)
    masked = torch.stack([(t.squared_error * batch.mask).flatten(1).mean(1) for t in objective.terms.values()])
    torch.testing.assert_close(losses, masked, rtol=1e-12, atol=0)


@pytest.mark.law("MASK-002")
@given(seed=SEEDS)
def test_all_but_the_losses_is_that_of_no_mask(seed):
    """The network sees every cell: u, du/dt, tangent, target and the raw losses have the bits that they had."""
    settings = ObjectiveSettings(prediction="u", tangent="v_head", loss_terms="dual")
    batch = draw_batch(seed, 4, shape=SHAPE)
    (_, whole), (_, masked) = (gradients(b, settings) for b in (batch, replace(batch, mask=drawn_mask(seed, 4))))
    for name in ("z", "v_c", "u", "tangent", "target"):
        assert torch.equal(getattr(whole, name), getattr(masked, name))
    assert torch.equal(whole.derivative.dudt, masked.derivative.dudt)
    for name, term in whole.terms.items():
        assert torch.equal(term.squared_error, masked.terms[name].squared_error)
        assert not torch.equal(term.loss_B, masked.terms[name].loss_B)


@given(cells=st.integers(1, 9), block=st.integers(1, 10), share=st.floats(0, 1, exclude_max=True), seed=SEEDS)
def test_as_many_blocks_are_left_out_as_the_share_asks_for(cells, block, share, seed):
    """That many whole blocks, rounded, one at least stays, and the weight is one number in all that stay."""
    shape = (cells, 4, 3)
    mask = draw_block_mask(shape, block, share, np.random.default_rng(seed))
    assert mask.shape == shape
    corners = mask[::block, ::block, ::block]
    assert (
        np.sum(corners == 0) == masked_blocks(shape, block, share) == min(round(share * corners.size), corners.size - 1)
    )
    kept = np.sum(corners > 0)
    assert set(np.unique(mask)) <= {0.0, corners.size / kept}
    again = corners.repeat(block, 0).repeat(block, 1).repeat(block, 2)[: shape[0], : shape[1], : shape[2]]
    assert np.array_equal(mask, again)
