"""Faults that were met in public codes: the suite names each, and does not name what is no fault."""

import pytest
from neuromf_spec.conformance.suite import judge
from neuromf_spec.conformance.verdict import Status

from neuromf.conform.subject import BridgedSubject
from tests.support.conform.toy import Plain, Toy

SEVERAL = "ID-001 4 steps of the sampler"
ONE = "ID-001 one step of the sampler"


class LossSquared(Plain):
    """The squared error is squared again, in the weight and in the loss."""

    def loss(self, net, s):
        """The loss of a batch."""
        r, t = (part.reshape(-1, 1) for part in (s.r, s.t))
        squared = self._reduce(self._terms(net, s, r, t)[0] ** 2) ** 2
        return (squared / (squared.detach() + 1e-3)).mean()


class GridRises(Toy):
    """With several steps the times rise while the sample goes from noise to data."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(steps):
            r, t = ((k + 1) / steps, k / steps) if steps > 1 else (0.0, 1.0)
            z = z - net(z, r, t) / steps
        return z


class TimesExchanged(Toy):
    """The sampler takes t = 1 for the data; the training takes it for the noise."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(steps):
            z = z + net(z, (k + 1) / steps, k / steps) / steps
        return z


class FirstRateTwice(Toy):
    """The first two steps have the same rate."""

    def rate(self, step):
        """The factor on the rate."""
        return max(step, 1) / 10 if step < 10 else super().rate(step)


class OneStepAlone(Toy):
    """There is no sampler of several steps."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        if steps > 1:
            raise NotImplementedError("one step alone")
        return super().sample(net, noise, steps)


class SeveralFail(OneStepAlone):
    """The sampler of several steps raises an error."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        return [super(OneStepAlone, self).sample(net, noise, 1)][steps - 1]


class Rounded(Toy):
    """The target is rounded as in float32, which no factor on du/dt explains."""

    def _compound(self, u, span, dudt):
        return u + span * dudt.detach() * (1 + 3e-8)


def judged(adapter):
    return {result.key: result for result in judge(lambda: BridgedSubject(adapter()))}


@pytest.mark.parametrize(
    ("adapter", "key", "words"),
    [
        (LossSquared, "WGT-001 weight", "here both have its square"),
        (GridRises, SEVERAL, "its times rise"),
        (TimesExchanged, ONE, "data and noise are exchanged"),
        (FirstRateTwice, "LR-002 every step", "the first two steps have the same"),
    ],
)
def test_a_fault_of_a_public_code_is_named(adapter, key, words):
    """It falls with its own repair."""
    result = judged(adapter)[key]
    assert result.status is Status.FALLS
    assert words in result.repair


@pytest.mark.parametrize(
    ("adapter", "status", "words"),
    [
        (OneStepAlone, Status.NOT_APPLICABLE, "one step alone"),
        (SeveralFail, Status.CANNOT_RUN, "IndexError"),
    ],
)
def test_one_step_is_judged_whatever_becomes_of_several(adapter, status, words):
    """A sampler of one step holds where several are not there, or raise."""
    found = judged(adapter)
    assert found[ONE].status is Status.HOLDS
    assert found[SEVERAL].status is status
    assert words in found[SEVERAL].detail


def test_rounding_is_no_factor_on_the_derivative():
    """A repair that would change nothing is not offered, so that nothing is said to fall."""
    result = judged(Rounded)["JVP-001 du/dt"]
    assert result.status is Status.UNEXPLAINED
    assert result.repair == ""
