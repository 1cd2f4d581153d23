"""What is read off a model, its optimiser and its average: each threshold of it from both sides."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from neuromf.monitor.checks.coverage import coverage, unmoved
from neuromf.monitor.checks.step_checks import average_motion, average_updates, fingerprint, own_count, stale_gradients
from neuromf.monitor.moments import LatentMoments, batch_moments, latent_moments


def still(*, weight=1.0, gradient=1.0, moved=0.0, rate=1e-3, epsilon=1e-8):
    """Number of parameters that should have moved, of one such and one that did."""
    parameters = [nn.Parameter(torch.tensor([0.0, weight])), nn.Parameter(torch.ones(2))]
    parameters[0].grad, parameters[1].grad = torch.tensor([0.0, gradient]), torch.ones(2)
    return int(unmoved(parameters, [torch.tensor([0.0, moved]), torch.ones(2)], rate, epsilon))


@pytest.mark.law("OPT-002")
@pytest.mark.parametrize(
    ("at", "told", "left"),
    [
        ("gradient", 1.1e-8, 0.9e-8),  # above Adam's epsilon
        ("gradient", -1.1e-8, -0.9e-8),
        ("weight", 90.0, 110.0),  # a rate of 1e-3 is 1e-5 of a weight of 100
        ("weight", -90.0, -110.0),
        ("rate", 1.1e-5, 0.9e-5),  # a weight of 1
        ("moved", 0.0, 1e-30),
        ("epsilon", 0.9, 1.1),  # a gradient of 1
    ],
)
def test_a_parameter_that_stood_still_is_told_where_its_step_would_show(at, told, left):
    """Its gradient is above epsilon and the rate above a hundred-thousandth of its largest weight; else it is left."""
    assert (still(**{at: told}), still(**{at: left})) == (1, 0)


@pytest.mark.law("OPT-002")
def test_a_parameter_without_a_gradient_need_not_move():
    """Nothing is asked of it, whether or not others have one."""
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    assert int(unmoved(parameters, [torch.zeros(2)] * 2, 1e-3, 1e-8)) == 0
    parameters[1].grad = torch.ones(2)
    assert int(unmoved(parameters, [torch.zeros(2)] * 2, 1e-3, 1e-8)) == 1


@pytest.mark.law("OPT-002")
def test_what_an_optimiser_holds_is_counted_by_parameter():
    """Frozen ones are not asked for, strangers do not count as held, and one that is held twice is repeated."""
    model, stranger = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), nn.Parameter(torch.ones(1))
    model[0].bias.requires_grad_(False)
    first, *rest = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW([first, stranger])
    found = coverage(model, optimiser, still=2)
    assert (found.trainable, found.held, found.repeated, found.still) == (1 + len(rest), 1, 0, 2)
    optimiser.param_groups.append({**optimiser.param_groups[0], "params": [first, stranger, rest[0]]})
    found = coverage(model, optimiser)
    assert (found.trainable, found.held, found.repeated, found.still) == (1 + len(rest), 2, 2, 0)


@pytest.mark.law("OPT-003")
def test_every_gradient_that_is_there_is_stale():
    """A gradient of zeros is one too."""
    parameters = [nn.Parameter(torch.ones(1)) for _ in range(3)]
    parameters[2].grad = torch.zeros(1)
    assert stale_gradients(parameters) == 1


@pytest.mark.law("OPT-004")
def test_the_optimisers_own_count_is_that_of_the_parameter_least_updated():
    """One that was left out is behind the others; before the first update the count is 0."""
    parameters = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimiser = torch.optim.AdamW(parameters)
    assert int(own_count(optimiser, torch.device("cpu"))) == 0
    for used in (parameters, parameters[:1]):
        for parameter in parameters:
            parameter.grad = torch.ones(1) if any(parameter is one for one in used) else None
        optimiser.step()
    assert int(own_count(optimiser, torch.device("cpu"))) == 1


@pytest.mark.law("BATCH-003")
@given(place=st.integers(0, 5), bit=st.integers(0, 31))
def test_one_bit_of_one_parameter_changes_its_fingerprint_and_no_other(place, bit):
    """Whichever bit of whichever number, the sign and the exponent included."""
    parameters = [torch.linspace(-1, 1, 6).reshape(2, 3), torch.ones(4)]
    changed = [parameters[0].clone(), parameters[1]]
    words = changed[0].view(torch.int32).view(-1)
    words[place] ^= torch.tensor(-(2**31) if bit == 31 else 2**bit, dtype=torch.int32)
    differ = fingerprint(parameters) != fingerprint(changed)
    assert differ.tolist() == [True, False]


def motion(before, after, present):
    return {name: float(value) for name, value in average_motion(before, after, present).items()}


@pytest.mark.law("EMA-001")
@given(updates=st.integers(0, 6), decay=st.sampled_from([0.5, 0.98, 0.9999]), seed=st.integers(0, 1000))
def test_updates_of_the_average_are_counted_by_the_way_it_went(updates, decay, seed):
    """For any decay and any weights, n updates towards them are read as n."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((3, 4), (5,))
    before = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    present = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    after = [b + (1 - decay**updates) * (p - b) for b, p in zip(before, present, strict=True)]
    assert average_updates(motion(before, after, present), decay) == pytest.approx(updates, abs=1e-6)


def readings(**changed):
    """An average of size 1 that is 1 away from the weights, and went a fiftieth of the way."""
    known = {"gap": 1.0, "moved": 0.02, "size": 1.0, "along": 0.02} | changed
    return {f"average.{name}": value for name, value in known.items()}


@pytest.mark.law("EMA-001")
@pytest.mark.parametrize(
    ("changed", "counted"),
    [
        ({}, 1.0),
        ({"along": 0.02 * 0.91}, 1.0),  # nearly along the way
        ({"along": 0.02 * 0.89}, math.nan),  # elsewhere
        ({"along": -0.02}, math.nan),  # away
        ({"moved": 1.0, "along": 0.999}, math.log(0.001) / math.log(0.98)),
        ({"moved": 1.0, "along": 1.0}, math.nan),  # all the way, which no number of updates goes
        ({"moved": 0.0, "along": 0.0}, 0.0),
        ({"moved": math.nan, "along": math.nan}, math.nan),
        ({"size": 0.9 * 0.02 / 1e-6}, 1.0),  # a change of the average by more than a millionth of it
        ({"size": 1.1 * 0.02 / 1e-6}, None),
        ({"gap": 0.0, "moved": 0.0, "along": 0.0}, None),
        ({"gap": math.nan}, None),
    ],
)
def test_a_way_that_cannot_be_read_is_none_and_another_no_number(changed, counted):
    """Float32 shows a change above a millionth of the average; within that, direction and length must fit."""
    found = average_updates(readings(**changed), 0.98)
    assert found == (None if counted is None else pytest.approx(counted, rel=0.1, nan_ok=True))


@pytest.mark.law("DATA-003")
def test_the_moments_of_the_whole_set_in_one_batch_deviate_by_nothing():
    """Sums over micro-batches of any cut are those of the set: mean and mean square of each channel, in order."""
    latents = (
        torch.randn((6, 3, 2, 2, 2), generator=torch.Generator().manual_seed(0))
        * torch.tensor([1.0, 2, 3])[None, :, None, None, None]
        + torch.tensor([0.0, 1, 2])[None, :, None, None, None]
    )
    moments = latent_moments(latents)
    parts = [batch_moments(latents[part]) for part in (slice(2), slice(2, 6))]
    sums = {name: float(parts[0][name] + parts[1][name]) for name in parts[0]}
    assert moments.deviations(sums) == pytest.approx([0.0] * 6, abs=1e-6)
    for channel in range(3):
        off = {**sums, f"data.{channel}": sums[f"data.{channel}"] + 6.0}
        expected = [0.0] * 6
        expected[channel] = 1.0 / (moments.spread[channel] / math.sqrt(6))
        assert moments.deviations(off) == pytest.approx(expected, abs=1e-5)


@pytest.mark.law("DATA-003")
def test_latents_that_are_all_alike_are_held_to_rounding():
    """Without spread the standard error is a hundred-thousandth, not zero."""
    moments = LatentMoments(mean=(1.0,), spread=(0.0,))
    assert moments.deviations({"data.samples": 4.0, "data.0": 4.0 + 4 * 3e-5}) == pytest.approx([3.0])
