"""A MeanFlow code of one screen, right in every line: each broken variant overrides one of its methods."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch.autograd import forward_ad

from neuromf.conform import Average, Declaration, Guidance, Schedule, TimeSampler
from neuromf.flow.tangent_rules import TangentRules

TIMES = TimeSampler(mu=-0.4, sigma=1.0, data_proportion=0.75, uniform_fraction=0.1, share_is="random", batch=2_000)


class Toy:
    """MeanFlow with u-prediction and the conditional tangent."""

    library = "torch"
    declares = Declaration(
        name="toy",
        norm_p=0.75,
        norm_eps=1e-2,
        reduction="mean",
        times=TIMES,
        average=Average(decay=0.9),
        schedule=Schedule(shape="cosine", warmup_steps=10, total_steps=100),
    )

    def _point(self, x, e, t):
        return (1 - t) * x + t * e

    def _velocity(self, net, z, t, s):
        return s.e - s.x

    def _u(self, net, z, r, t, y):
        return net(z, r, t, y)

    def _tangent(self, net, z, t, v, s):
        return v

    def _derivative(self, net, z, r, t, v, y):
        return self._along(net, z, r, t, y, v, torch.zeros_like(r), torch.ones_like(t))

    def _along(self, net, z, r, t, y, dz, dr, dt):
        """The derivative along (dz, dr, dt); torch.func.jvp gives the same, five times as slowly here."""
        with torch.no_grad(), TangentRules(), forward_ad.dual_level():
            z, r, t = (forward_ad.make_dual(*pair) for pair in ((z, dz), (r, dr), (t, dt)))
            return forward_ad.unpack_dual(self._u(net, z, r, t, y)).tangent

    def _span(self, r, t):
        return t - r

    def _compound(self, u, span, dudt):
        return u + span * dudt.detach()

    def _reduce(self, squared):
        return squared.flatten(1).mean(1)

    def _weight(self, loss):
        return (loss.detach() + 1e-2) ** -0.75

    def _over_batch(self, losses):
        return losses.mean()

    def _terms(self, net, s, r, t):
        z = self._point(s.x, s.e, t)
        v = self._velocity(net, z, t, s)
        u = self._u(net, z, r, t, s.y)
        dudt = self._derivative(net, z, r, t, self._tangent(net, z, t, v, s), s.y)
        return [self._compound(u, self._span(r, t), dudt) - v.detach()]

    def loss(self, net, s):
        """The loss of a batch."""
        r, t = (part.reshape(-1, *(1,) * (s.x.ndim - 1)) for part in (s.r, s.t))
        losses = [self._reduce(residual**2) for residual in self._terms(net, s, r, t)]
        return self._over_batch(sum(self._weight(loss) * loss for loss in losses))

    def times(self, count, seed):
        """Drawn times."""
        g = torch.Generator().manual_seed(seed)
        pair = torch.sigmoid(-0.4 + torch.randn(count, 2, generator=g, dtype=torch.float64))
        uniform = torch.rand(count, 4, generator=g, dtype=torch.float64)
        is_fm = uniform[:, 0] < 0.75
        pair = torch.where(((uniform[:, 1] < 0.1) & ~is_fm)[:, None], uniform[:, 2:], pair)
        t = pair.amax(1)
        return torch.where(is_fm, t, pair.amin(1)), t

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(steps):
            t, r = 1 - k / steps, 1 - (k + 1) / steps
            z = z - (t - r) * net(z, r, t)
        return z

    def average(self, weights):
        """The average of weights."""
        kept = weights[0]
        for present in weights[1:]:
            kept = 0.9 * kept + 0.1 * present
        return kept

    def rate(self, step):
        """The factor on the rate."""
        if step < 10:
            return (step + 1) / 10
        return (1 + math.cos(math.pi * (step - 10) / 90)) / 2


class Objective(Toy):
    """Its loss alone: the laws of what is around it are not applicable."""

    times = sample = average = rate = None


class Around(Toy):
    """What is around the loss, alone."""

    loss = None


class Plain(Objective):
    """As the paper's reference has it: summed, p = 1."""

    declares = replace(Toy.declares, name="plain", reduction="sum", norm_p=1.0, norm_eps=1e-3)

    def _reduce(self, squared):
        return squared.flatten(1).sum(1)

    def _weight(self, loss):
        return 1 / (loss.detach() + 1e-3)


class Model(Objective):
    """The tangent of improved MeanFlow."""

    declares = replace(Toy.declares, name="model", tangent="model")

    def _tangent(self, net, z, t, v, s):
        return self._u(net, z, t, t, s.y)


class Dual(Objective):
    """A flow-matching term beside."""

    declares = replace(Toy.declares, name="dual", terms="dual")

    def _terms(self, net, s, r, t):
        z = self._point(s.x, s.e, t)
        return [*super()._terms(net, s, r, t), self._u(net, z, t, t, s.y) - self._velocity(net, z, t, s).detach()]


class Head(Objective):
    """A second head on the velocity, which gives the tangent too."""

    declares = replace(Toy.declares, name="head", v_head=True, tangent="v_head")

    def _tangent(self, net, z, t, v, s):
        return net.velocity(z, t, t).detach()

    def _terms(self, net, s, r, t):
        z = self._point(s.x, s.e, t)
        return [*super()._terms(net, s, r, t), net.velocity(z, t, t) - self._velocity(net, z, t, s)]


class Guided(Objective):
    """Guidance inside the loss, with the mix of appendix B.1."""

    declares = replace(Toy.declares, name="guided", guidance=Guidance(scale=0.6, mix=0.25))

    def _velocity(self, net, z, t, s):
        free = torch.full_like(s.y, 10)
        with torch.no_grad():
            return 0.6 * (s.e - s.x) + 0.25 * net(z, t, t, s.y) + 0.15 * net(z, t, t, free)


class Data(Toy):
    """x-prediction with a clamp."""

    declares = replace(Toy.declares, name="data", prediction="x", t_min=0.05, times=None)

    def _u(self, net, z, r, t, y):
        return (z - net(z, r, t, y)) / t.clamp(min=0.05)

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(steps):
            t, r = 1 - k / steps, 1 - (k + 1) / steps
            z = z - (t - r) * (z - net(z, r, t)) / max(t, 0.05)
        return z


class DataObjective(Data):
    """Its loss alone."""

    sample = average = rate = None


class Mirrored(Toy):
    """t = 1 is the data."""

    declares = replace(Toy.declares, name="mirrored", data_at=1)

    def _point(self, x, e, t):
        return t * x + (1 - t) * e

    def _velocity(self, net, z, t, s):
        return s.x - s.e

    def times(self, count, seed):
        """Drawn times."""
        r, t = super().times(count, seed)
        return 1 - r, 1 - t

    def sample(self, net, noise, steps):
        """Data from noise."""
        z = noise
        for k in range(steps):
            z = z + net(z, (k + 1) / steps, k / steps) / steps
        return z


class Central(Objective):
    """A central difference, declared."""

    declares = replace(Toy.declares, name="central", derivative="central", step=0.005)

    def _derivative(self, net, z, r, t, v, y):
        h = 0.005
        return (net(z + h * v, r, t + h, y) - net(z - h * v, r, t - h, y)) / (2 * h)
