"""Codes with one fault each, and the laws that must fall for it: named here, before the suite is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from neuromf.conform import Schedule
from tests.support.conform import toy
from tests.support.conform.toy import TIMES, Around, Objective, Toy


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        adapter: class of the code that has it.
        laws: that fall, and no other.
    """

    adapter: type
    laws: frozenset[str]


FAULTS: dict[str, Fault] = {}


def falls(*laws):
    """Enter a code with what must fall for it."""

    def entered(adapter):
        FAULTS[adapter.__name__] = Fault(adapter, frozenset(laws))
        return adapter

    return entered


# --- the path ---------------------------------------------------------------------------------------------------------


@falls("PATH-001")
class PathReversed(Objective):
    """Data and noise change places; the velocity stays."""

    def _point(self, x, e, t):
        return t * x + (1 - t) * e


@falls("PATH-001")
class NoiseAdded(Objective):
    """The data keep their full weight."""

    def _point(self, x, e, t):
        return x + t * e


@falls("PATH-001")
class Circle(Objective):
    """A path of constant variance with the velocity of the straight one."""

    def _point(self, x, e, t):
        return torch.cos(math.pi * t / 2) * x + torch.sin(math.pi * t / 2) * e


@falls("PATH-001")
class VelocityTurned(Objective):
    """u is held to x - e."""

    def _velocity(self, net, z, t, s):
        return s.x - s.e


@falls("PATH-001")
class HeadTurned(toy.Head):
    """The second head alone is held to x - e."""

    def _terms(self, net, s, r, t):
        z = self._point(s.x, s.e, t)
        return [Toy._terms(self, net, s, r, t)[0], net.velocity(z, t, t) + (s.e - s.x)]


# --- the derivative ---------------------------------------------------------------------------------------------------


@falls("JVP-001", "ID-001")
class SignTurned(Objective):
    """u - (t - r) du/dt."""

    def _compound(self, u, span, dudt):
        return u - span * dudt.detach()


@falls("JVP-001", "ID-001")
class NoDerivative(Objective):
    """Flow matching at two times."""

    def _compound(self, u, span, dudt):
        return u


@falls("JVP-001", "ID-001")
class HalfDerivative(Objective):
    """A coefficient that nobody declares."""

    def _compound(self, u, span, dudt):
        return u + 0.5 * span * dudt.detach()


@falls("ID-002", "ID-001")
class NoInterval(Objective):
    """du/dt without t - r."""

    def _span(self, r, t):
        return torch.ones_like(t)


@falls("ID-002", "ID-001")
class TimesT(Objective):
    """t du/dt."""

    def _span(self, r, t):
        return t


@falls("JVP-001", "ID-001")
class NoTimeTangent(Objective):
    """The tangent (v, 0, 0)."""

    def _derivative(self, net, z, r, t, v, y):
        return self._along(net, z, r, t, y, v, torch.zeros_like(r), torch.zeros_like(t))


@falls("JVP-001", "ID-001")
class NoSpaceTangent(Objective):
    """The tangent (0, 0, 1)."""

    def _derivative(self, net, z, r, t, v, y):
        return self._along(net, z, r, t, y, torch.zeros_like(v), torch.zeros_like(r), torch.ones_like(t))


@falls("JVP-001", "ID-001")
class BothTimesMove(Objective):
    """The tangent (v, 1, 1)."""

    def _derivative(self, net, z, r, t, v, y):
        return self._along(net, z, r, t, y, v, torch.ones_like(r), torch.ones_like(t))


@falls("JVP-001", "ID-001")
class WrongTimeMoves(Objective):
    """The tangent (v, 1, 0)."""

    def _derivative(self, net, z, r, t, v, y):
        return self._along(net, z, r, t, y, v, torch.ones_like(r), torch.zeros_like(t))


@falls("JVP-001", "ID-001")
class TangentTurned(Objective):
    """The tangent (-v, 0, 1)."""

    def _derivative(self, net, z, r, t, v, y):
        return self._along(net, z, r, t, y, -v, torch.zeros_like(r), torch.ones_like(t))


@falls("JVP-001")
class TangentOfModel(Objective):
    """du/dt along u(z, t, t), where e - x is declared."""

    def _tangent(self, net, z, t, v, s):
        return self._u(net, z, t, t, s.y)


@falls("JVP-001")
class TangentOfData(toy.Model):
    """du/dt along e - x, where u(z, t, t) is declared."""

    def _tangent(self, net, z, t, v, s):
        return v


@falls("JVP-001", "ID-001")
class CoarseDifference(Objective):
    """A forward difference that nobody declares."""

    def _derivative(self, net, z, r, t, v, y):
        return (net(z + 0.01 * v, r, t + 0.01, y) - net(z, r, t, y)) / 0.01


@falls("JVP-001")
class UnguidedTangent(toy.Guided):
    """The target is guided, the tangent is not."""

    def _tangent(self, net, z, t, v, s):
        return s.e - s.x


# --- what is detached -------------------------------------------------------------------------------------------------


@falls("JVP-002")
class NotDetached(Objective):
    """The gradient flows through du/dt."""

    def _derivative(self, net, z, r, t, v, y):
        zero, one = torch.zeros_like(r), torch.ones_like(t)
        return torch.func.jvp(lambda *at: self._u(net, *at, y), (z, r, t), (v, zero, one))[1]

    def _compound(self, u, span, dudt):
        return u + span * dudt


@falls("JVP-002")
class AllDetached(Objective):
    """u is detached with du/dt."""

    def _compound(self, u, span, dudt):
        return (u + span * dudt).detach()


# --- what the network is shown ----------------------------------------------------------------------------------------


@falls("ID-001")
class TimesSwapped(Objective):
    """The network is handed t for r and r for t."""

    def _u(self, net, z, r, t, y):
        return net(z, t, r, y)


@falls("NET-001")
class OneTime(Objective):
    """The network never sees r."""

    def _u(self, net, z, r, t, y):
        return net(z, t, t, y)


# --- x-prediction -----------------------------------------------------------------------------------------------------


@falls("PRED-001")
class DividedByInterval(toy.DataObjective):
    """z - x over t - r."""

    def _u(self, net, z, r, t, y):
        return (z - net(z, r, t, y)) / (t - r).clamp(min=0.05)


@falls("PRED-001")
class OtherClamp(toy.DataObjective):
    """A clamp of 0.1 where 0.05 is declared."""

    def _u(self, net, z, r, t, y):
        return (z - net(z, r, t, y)) / t.clamp(min=0.1)


@falls("PRED-001")
class NoClamp(toy.DataObjective):
    """1/t as it is."""

    def _u(self, net, z, r, t, y):
        return (z - net(z, r, t, y)) / t


# --- guidance ---------------------------------------------------------------------------------------------------------


@falls("ID-001")
class GuidedByItsLabel(toy.Guided):
    """Guidance away from the labelled network, not from the one without a label."""

    def _velocity(self, net, z, t, s):
        with torch.no_grad():
            return 0.6 * (s.e - s.x) + 0.4 * net(z, t, t, s.y)


@falls("ID-001")
class GuidanceForgotten(toy.Guided):
    """No guidance where it is declared."""

    def _velocity(self, net, z, t, s):
        return s.e - s.x


# --- weight and reduction ---------------------------------------------------------------------------------------------


@falls("WGT-001")
class FourthPower(Objective):
    """The weight has the square of the squared error."""

    def _weight(self, loss):
        return (loss.detach() ** 2 + 1e-2) ** -0.75


@falls("WGT-001")
class OtherPower(Objective):
    """p = 1 where 0.75 is declared."""

    def _weight(self, loss):
        return 1 / (loss.detach() + 1e-2)


@falls("WGT-001")
class NoWeight(Objective):
    """p = 0."""

    def _weight(self, loss):
        return torch.ones_like(loss)


@falls("WGT-001")
class OtherConstant(Objective):
    """c = 1e-3 where 1e-2 is declared."""

    def _weight(self, loss):
        return (loss.detach() + 1e-3) ** -0.75


@falls("WGT-001")
class WeightFlows(Objective):
    """The weight is not detached."""

    def _weight(self, loss):
        return (loss + 1e-2) ** -0.75


@falls("WGT-003")
class Summed(Objective):
    """The sum over dims where the mean is declared."""

    def _reduce(self, squared):
        return squared.flatten(1).sum(1)


@falls("WGT-003")
class AveragedPlain(toy.Plain):
    """The mean over dims where the sum is declared, at p = 1."""

    def _reduce(self, squared):
        return squared.flatten(1).mean(1)


@falls("WGT-003")
class HalfLoss(Objective):
    """Half the squared error, after the weight."""

    def _over_batch(self, losses):
        return losses.mean() / 2


# --- the batch --------------------------------------------------------------------------------------------------------


@falls("LOSS-001")
class SharedWeight(Objective):
    """One weight for the batch."""

    def _weight(self, loss):
        return (loss.detach().mean() + 1e-2) ** -0.75


@falls("LOSS-001")
class FirstHalfFlow(Objective):
    """Samples in the first half of a large batch count twice."""

    def _over_batch(self, losses):
        count = len(losses)
        place = torch.arange(count) < count // 2 if count > 2 else torch.ones(count, dtype=torch.bool)
        return (losses * torch.where(place & (count % 2 == 0) & (count > 2), 1.5, 0.5 if count > 2 else 1.0)).mean()


@falls("BATCH-002")
class SummedBatch(Objective):
    """The sum over the batch where the mean is declared."""

    def _over_batch(self, losses):
        return losses.sum()


@falls("PRED-002")
class OtherValue(Objective):
    """A value that is not the loss whose gradient it has."""

    def loss(self, net, s):
        """The loss of a batch."""
        loss = super().loss(net, s)
        return loss + 0.3 * loss.detach()


# --- times ------------------------------------------------------------------------------------------------------------


@falls("TIME-001")
class Unsorted(Around):
    """r and t as they are drawn."""

    def times(self, count, seed):
        """Drawn times."""
        r, t = super().times(count, seed)
        turned = torch.arange(count) % 2 == 0
        return torch.where(turned, t, r), torch.where(turned, r, t)


@falls("TIME-002")
class ShareInverted(Around):
    """The declared share is that of r < t."""

    declares = replace(Around.declares, times=replace(TIMES, data_proportion=0.25))


@falls("TIME-002")
class SharePerBatch(Around):
    """int(p B) of a batch of three."""

    declares = replace(Around.declares, times=replace(TIMES, batch=3))

    def times(self, count, seed):
        """Drawn times."""
        pair = torch.sigmoid(-0.4 + torch.randn(count, 2))
        uniform = torch.rand(count, 2)
        pair = torch.where(
            (uniform[:, 0] < 0.1)[:, None] & (torch.arange(count) >= 2)[:, None], torch.rand(count, 2), pair
        )
        t = pair.amax(1)
        return torch.where(torch.arange(count) < int(0.75 * count), t, pair.amin(1)), t


@falls("TIME-002")
class ShareClaimedExact(Around):
    """Drawn by chance where every window is said to hold it."""

    declares = replace(Around.declares, times=replace(TIMES, share_is="exact"))


@falls("TIME-002", "TIME-007")
class NoMeanFlow(Around):
    """r = t throughout."""

    def times(self, count, seed):
        """Drawn times."""
        _, t = super().times(count, seed)
        return t, t


@falls("TIME-003")
class SingleTime(Around):
    """Samples with r = t get one draw, not the larger of two."""

    def times(self, count, seed):
        """Drawn times."""
        r, t = super().times(count, seed)
        single = torch.sigmoid(-0.4 + torch.randn(count, dtype=torch.float64))
        return torch.where(r == t, single, r), torch.where(r == t, single, t)


@falls("TIME-003")
class MuTurned(Around):
    """mu = 0.4."""

    def times(self, count, seed):
        """Drawn times."""
        r, t = super().times(count, seed)
        return 1 - t, 1 - r


# --- the sampler ------------------------------------------------------------------------------------------------------


@falls("ID-001")
class SamplerTurned(Around):
    """e + u."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(steps):
            z = z + net(z, 1 - (k + 1) / steps, 1 - k / steps) / steps
        return z


@falls("ID-001")
class SamplerInstant(Around):
    """Steps along u(z, t, t)."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(steps):
            z = z - net(z, 1 - k / steps, 1 - k / steps) / steps
        return z


@falls("ID-001")
class SamplerShort(Around):
    """The last of several steps is left out."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(max(steps - 1, 1)):
            z = z - net(z, 1 - (k + 1) / steps, 1 - k / steps) / steps
        return z


@falls("ID-001")
class SamplerOneStep(Around):
    """Several steps are one, as where an index is clamped."""

    def sample(self, net, noise, steps):
        """Data from noise."""
        return noise - net(noise, 0.0, 1.0)


# --- average and rate -------------------------------------------------------------------------------------------------


@falls("EMA-001")
class AverageSeldom(Around):
    """One update in 16 steps, undeclared."""

    def average(self, weights):
        """The average of weights."""
        return super().average([weights[0], *weights[16::16]])


@falls("EMA-001")
class AverageInverted(Around):
    """0.1 of the average is kept."""

    def average(self, weights):
        """The average of weights."""
        kept = weights[0]
        for present in weights[1:]:
            kept = 0.1 * kept + 0.9 * present
        return kept


@falls("EMA-001")
class AverageWarm(Around):
    """beta grows with the steps, undeclared."""

    def average(self, weights):
        """The average of weights."""
        kept = weights[0]
        for n, present in enumerate(weights[1:], start=1):
            beta = min(0.9, (1 + n) / (10 + n))
            kept = beta * kept + (1 - beta) * present
        return kept


@falls("LR-001")
class RampFromZero(Around):
    """The first step has the rate 0."""

    def rate(self, step):
        """The factor on the rate."""
        return step / 10 if step < 10 else super().rate(step)


@falls("LR-001", "LR-002")
class RampUndeclared(Around):
    """A warm-up that nobody declares."""

    declares = replace(Around.declares, schedule=Schedule(shape="cosine", warmup_steps=0, total_steps=100))


@falls("LR-002")
class RateSkips(Around):
    """The schedule is one step ahead."""

    def rate(self, step):
        """The factor on the rate."""
        return super().rate(min(step + 1, 99))
