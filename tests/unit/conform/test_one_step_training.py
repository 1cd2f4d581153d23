"""Small trainings with a code's own loss, where the right samples are known."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuromf.conform import TimeSampler
from neuromf.conform.one_step.settings import LearnerSettings
from neuromf.conform.one_step.training import train_one_step
from neuromf.conform.one_step.truth import GAUSSIAN, MEAN, RING, STD
from tests.support.command_line import run_command
from tests.support.conform import own, toy

SETTINGS = LearnerSettings(steps=800)
FEW = LearnerSettings(steps=3, batch=8, judged=64)
EVERY_INTERVAL = TimeSampler(distribution="uniform", data_proportion=0.25)
"""Times that meet (r, t) = (0, 1), which one step asks for, as often as any other pair."""


def drawn_evenly(adapter):
    """The code with these times."""
    members = {"declares": replace(adapter.declares, times=EVERY_INTERVAL, norm_p=0.0), "times": None}
    return type(adapter.__name__, (adapter,), members)()


@cache
def learned(adapter, truth=GAUSSIAN):
    """What a training of some seconds came to."""
    (outcome,) = train_one_step(drawn_evenly(adapter), settings=SETTINGS, truths=(truth,))
    return outcome


def ideal_spread(correction):
    r"""Spread of one-step samples, over the truth, of the exact solution with a factor on (t - r) du/dt.

    For data N(mu, s^2) u is linear, with slope a(t) at r = 0: :math:`a = b - k t (a' + a b)`, b that of the marginal
    velocity, so that :math:`a' = (b - a) / (k t) - a b`; one step leaves the share :math:`1 - a(1)` of the noise.
    """

    def b(t):
        return (t - (1 - t) * STD**2) / ((1 - t) ** 2 * STD**2 + t**2)

    start = 1e-6
    found = solve_ivp(lambda t, a: (b(t) - a) / (correction * t) - a * b(t), (start, 1), [b(start)], rtol=1e-8)
    return abs(1 - found.y[0, -1]) / STD


def test_the_ideal_of_the_right_identity_is_the_truth():
    """With the factor 1 the exact solution draws the data's own spread; with a half less than half of it."""
    assert ideal_spread(1.0) == pytest.approx(1.0, abs=1e-4)
    assert ideal_spread(0.5) == pytest.approx(0.445, abs=0.001)


class HalfOfData(toy.DataObjective):
    """x-prediction with half of the derivative."""

    def _compound(self, u, span, dudt):
        return u + 0.5 * span * dudt.detach()


class NoneOfData(toy.DataObjective):
    """x-prediction without the derivative."""

    def _compound(self, u, span, dudt):
        return u


@pytest.mark.parametrize(("adapter", "correction"), [(toy.DataObjective, 1.0), (HalfOfData, 0.5), (NoneOfData, 0.0)])
def test_a_code_learns_the_spread_that_its_identity_has(adapter, correction):
    """The data's own, or what the exact solution of its wrong identity draws; the mean alone without a derivative.

    Measured: 0.99, 0.41 and 0.03 of the truth where the exact solutions have 1, 0.45 and 0.
    """
    ideal = ideal_spread(correction) if correction else 0.0
    assert learned(adapter).spread == pytest.approx(ideal, abs=0.1)


def test_our_objective_learns_the_gaussian_in_one_step():
    """With our x-prediction, our tangent and times that meet every interval: 0.96 of the spread, 0.03 of the noise."""
    found = learned(own.Own)
    assert 0.85 <= found.spread <= 1.15
    assert found.distances[1] <= 0.1 * found.noise
    assert found.distances[4] <= 2 * found.real


def test_our_objective_learns_two_rings():
    """Every number of evaluations is far nearer to the data than the noise is."""
    found = learned(own.Own, RING)
    assert set(found.distances) == {1, 2, 4}
    assert all(distance <= 0.5 * found.noise for distance in found.distances.values())


def test_a_code_whose_data_are_at_time_one_learns_the_same():
    """The same mathematics in the other convention, with the same draws, comes to the same spread."""
    assert learned(toy.Mirrored).spread == pytest.approx(learned(toy.Objective).spread, abs=0.03)


@pytest.mark.parametrize("adapter", [toy.Plain, toy.Model, toy.Dual, toy.Head, toy.Guided, toy.Toy, toy.Central])
def test_every_kind_of_code_can_be_trained(adapter):
    """One head or two, one term or two, guided or not, own times and sampler or none."""
    (found,) = train_one_step(adapter(), settings=FEW, truths=(GAUSSIAN,))
    assert not found.errors
    assert all(np.isfinite([*found.distances.values(), found.spread]))


@pytest.mark.law("BATCH-002")
def test_a_code_that_takes_its_samples_apart_is_given_them_apart():
    """Samples with r = t in one call and the others in the next; together they weigh as in one batch."""

    class Apart(toy.Objective):
        declares = replace(toy.Objective.declares, mixed=False)

        def loss(self, net, samples):
            kinds.append(set((samples.r == samples.t).tolist()))
            return super().loss(net, samples)

    kinds = []
    (apart,), (together,) = (
        train_one_step(code(), settings=FEW, truths=(GAUSSIAN,)) for code in (Apart, toy.Objective)
    )
    assert apart.distances == pytest.approx(together.distances, rel=1e-9)
    assert all(len(kind) == 1 for kind in kinds)
    assert {True} in kinds
    assert {False} in kinds


def test_a_training_repeats_itself():
    """The seed decides weights, data, noise and times; another seed draws others."""
    first, second, other = (
        train_one_step(toy.Toy(), seed=seed, settings=FEW, truths=(RING,))[0].distances for seed in (3, 3, 4)
    )
    assert first == second != other


def test_what_a_sampler_raises_or_spoils_is_told_and_the_rest_is_judged():
    """An error by its number of evaluations; samples that are not finite have no distance."""

    class OneStepAlone(toy.Toy):
        def sample(self, net, noise, steps):
            if steps == 2:
                raise IndexError("index 2 is out of bounds")
            return super().sample(net, noise, steps) * (1 if steps == 1 else float("nan"))

    (found,) = train_one_step(OneStepAlone(), settings=FEW, truths=(GAUSSIAN,))
    assert set(found.errors) == {2}
    assert found.errors[2].startswith("IndexError: index 2 is out of bounds (test_one_step_training.py:")
    assert np.isfinite(found.distances[1])
    assert np.isnan(found.distances[4])
    assert "none in 2 (IndexError: index 2 is out of bounds (" in str(found)


def test_a_code_that_samples_in_one_step_alone_is_judged_by_that_one():
    """Its own words say why there is nothing in two and in four."""

    class OneStepAlone(toy.Toy):
        def sample(self, net, noise, steps):
            if steps > 1:
                raise NotImplementedError("it samples in one step alone")
            return super().sample(net, noise, steps)

    (found,) = train_one_step(OneStepAlone(), settings=FEW, truths=(GAUSSIAN,))
    assert set(found.distances) == {1}
    assert "none in 2 and 4 (it samples in one step alone)" in str(found)


def test_data_have_the_mean_and_spread_that_they_are_named_by():
    """The Gaussian's coordinates; the ring's radii."""
    generator = np.random.default_rng(0)
    points, rings = GAUSSIAN.draw(20_000, 3, generator), RING.draw(20_000, 5, generator)
    assert points.mean(0) == pytest.approx([MEAN] * 3, abs=0.01)
    assert points.std(0) == pytest.approx([STD] * 3, abs=0.01)
    assert np.hypot(rings[:, 0], rings[:, 1]).std() == pytest.approx(0.05, abs=0.002)
    assert np.hypot(rings[:, 2], rings[:, 3]).mean() == pytest.approx(1, abs=0.002)
    assert rings.shape == (20_000, 5)


@pytest.fixture
def conform(monkeypatch, capsys, tmp_path):
    """Run the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "conform", *arguments)


ADAPTER = "from tests.support.conform import toy\n\nclass Adapter(toy.Toy):\n    {body}\n"


def test_the_command_trains_when_it_is_asked_to(conform):
    """Console, JSON and page tell of both distributions; what was learned does not change the exit code."""
    Path("code.py").write_text(ADAPTER.format(body="pass"))
    options = ("--law", "JVP-001", "--train", "--train-steps", "3", "--json", "a.json", "--report", "a.html")
    ended = conform("code.py", *options)
    assert ended.returncode == 0
    assert "trained on a Gaussian, 3 steps: one-step spread" in ended.stdout
    told = json.loads(Path("a.json").read_text())["one_step"]
    assert [one["truth"] for one in told] == ["Gaussian", "ring"]
    assert set(told[0]["distances"]) == {"1", "2", "4"}
    assert "Trained with its loss" in Path("a.html").read_text()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("loss = None", "no loss to train with"),
        ("def loss(self, net, samples): return samples.gone", "cannot be trained"),
    ],
)
def test_a_code_that_cannot_be_trained_is_named(conform, body, says):
    """One sentence with the adapter's file, and exit code 2."""
    Path("code.py").write_text(ADAPTER.format(body=body))
    ended = conform("code.py", "--train", "--train-steps", "3")
    assert ended.returncode == 2
    assert says in ended.stderr
    assert "code.py" in ended.stderr
