"""Codes in JAX: judged by the same suite, and trained with the same steps as a code in torch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.verdict import Status

from neuromf.conform import Declaration
from neuromf.conform.judging import judge_adapter
from neuromf.conform.load import load_adapter
from neuromf.conform.new import new_adapter
from neuromf.conform.one_step.jax_learner import JaxLearner
from neuromf.conform.one_step.settings import LearnerSettings
from neuromf.conform.one_step.torch_learner import TorchLearner
from neuromf.conform.one_step.training import train_one_step

SETTINGS = LearnerSettings(steps=4, batch=8, width=6, depth=2, judged=32)
RIGHT = "jax.lax.stop_gradient(dudt)"


@pytest.fixture
def template(tmp_path):
    """The adapter that `--new jax` writes, with one text in place of another."""

    def written(old="", new=""):
        text = new_adapter("jax")
        assert old in text
        (tmp_path / "code.py").write_text(text.replace(old, new) if old else text)
        return load_adapter(str(tmp_path / "code.py"))

    return written


def failed(verdict):
    return {result.law_id for result in verdict.with_status(Status.FALLS)}


def test_a_right_code_in_jax_holds_every_law_that_applies(template):
    """Its share of FM samples is one by chance, and declared to be; nothing else departs from a law."""
    verdict = judge_adapter(template())
    assert verdict.status == "PASS"
    assert len(verdict.with_status(Status.HOLDS)) == 18


def test_half_of_the_derivative_falls_in_jax_too(template):
    """By the law that names the derivative, with the repair that a code in torch is told."""
    verdict = judge_adapter(template(RIGHT, f"0.5 * {RIGHT}"))
    assert failed(verdict) == {"JVP-001", "ID-001"}
    assert "0.5 (t - r)" in verdict.with_status(Status.FALLS)[0].repair


def test_a_code_in_jax_is_trained(template):
    """Two heads or one: samples of one, two and four evaluations are finite."""
    for outcome in train_one_step(template().make(), settings=SETTINGS):
        assert not outcome.errors
        assert all(np.isfinite(list(outcome.distances.values())))


class Flow:
    """Flow matching, with whatever library the arrays are of."""

    def __init__(self, library):
        self.library, self.declares = library, Declaration(v_head=True)

    def loss(self, net, samples):
        """Mean squared error of both heads."""
        t = samples.t[:, None]
        z = (1 - t) * samples.x + t * samples.e
        velocity = samples.e - samples.x
        error = net(z, samples.r, samples.t) - velocity
        return (error**2).mean() + ((net.velocity(z, samples.t, 0.5) - velocity) ** 2).mean()


def copied(learner):
    """Weights of the network in torch, under the names that the one under JAX gives them."""
    names = {f"hidden_{index}": layer[0] for index, layer in enumerate(learner.net.trunk)}
    names |= {"output": learner.net.output, "head": learner.net.head}
    weights = {}
    for name, layer in names.items():
        weights[f"{name}.weight"] = jnp.asarray(layer.weight.detach().numpy().T)
        weights[f"{name}.bias"] = jnp.asarray(layer.bias.detach().numpy())
    return weights


def test_both_libraries_make_the_same_steps():
    """From the same weights and batches the outputs agree in float64 after four updates of Adam."""
    torch.manual_seed(0)
    ours, theirs = TorchLearner(Flow("torch"), SETTINGS, 0), JaxLearner(Flow("jax"), SETTINGS, 1)
    theirs.weights = copied(ours)
    generator = np.random.default_rng(0)
    z = generator.standard_normal((5, 4))
    assert ours.output(z, 0.0, 1.0) == pytest.approx(theirs.output(z, 0.0, 1.0), rel=1e-12)
    start = ours.output(z, 0.0, 1.0)
    for place in range(4):
        x, e = generator.standard_normal((2, 8, 4))
        r, t = np.sort(generator.random((2, 8)), axis=0)
        groups = [(1.0, GivenBatch(x, e, r, t, np.zeros(8, dtype=int)))]
        ours.step(place, groups)
        theirs.step(place, groups)
    assert ours.output(z, 0.0, 1.0) == pytest.approx(theirs.output(z, 0.0, 1.0), rel=1e-9)
    assert np.abs(ours.output(z, 0.0, 1.0) - start).max() > 1e-3
