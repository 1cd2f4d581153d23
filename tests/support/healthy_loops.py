"""Small torch loops of many kinds that go well, each guarded and watched as a user would do it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import neuromf as nmf
from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.watching import watch_training
from neuromf.any_loop.verdict import LoopVerdict

STEPS = 360
"""Twelve blocks: the guard's slow rules have a best level from the eleventh on."""


def perceptron(into: int, out: int, width: int = 24, last: nn.Module | None = None) -> nn.Sequential:
    """A small network."""
    layers = [nn.Linear(into, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, out)]
    return nn.Sequential(*layers, *([last] if last is not None else []))


@dataclass
class Loop:
    """What a loop is made of; `loss_of` gives the loss of a step, and perhaps the raw one."""

    net: nn.Module
    optimiser: Any
    loss_of: Callable[[int], Tensor | tuple[Tensor, Tensor]]
    clip: float | None = None
    schedule: Callable[[int], float] | None = None
    ema: Any = None
    accumulate: int = 1
    idle: tuple[str, ...] = ()
    steps: int = STEPS
    nothing: float | None = None

    def verdicts(self, guard: Guard | None = None) -> Iterator[LoopVerdict]:
        """Train, and give the guard's word on each step."""
        guard = guard or Guard(nothing=self.nothing)
        watch = watch_training(
            self.net, self.optimiser, guard=guard, clip=self.clip, lr=self.schedule, ema=self.ema, idle=self.idle,
            decay=None if self.ema is None else 0.9,
        )  # fmt: skip
        first = self.optimiser[0] if isinstance(self.optimiser, list) else self.optimiser
        for step in range(self.steps):
            if self.schedule is not None and step % self.accumulate == 0:
                for group in first.param_groups:
                    group["lr"] = self.schedule(step // self.accumulate)
            if step % self.accumulate == 0:
                first.zero_grad()
            told = self.loss_of(step)
            loss, raw = told if isinstance(told, tuple) else (told, None)
            (loss / self.accumulate).backward()
            last = (step + 1) % self.accumulate == 0
            norm = None
            if self.clip is not None and last:
                norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
            yield guard.step(loss, raw_loss=raw, grad_norm=norm)
            if last:
                first.step()
                if self.ema is not None:
                    self.ema.update_parameters(self.net)
            if step % 100 == 99:
                with watch.evaluation():
                    self.net.eval()
                    self.net.train()
        watch.close()


def regression(width: int = 24, kind: str = "adam") -> Loop:
    """A mean square with noise that cannot be learnt."""
    net = perceptron(4, 1, width)
    rate = {"adam": 3e-3, "sgd": 2e-2, "rmsprop": 1e-3, "adagrad": 2e-2, "adamw": 3e-3}[kind]
    makers = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop,
              "adagrad": torch.optim.Adagrad, "adamw": torch.optim.AdamW}  # fmt: skip

    def loss_of(step: int) -> Tensor:
        x = torch.randn(32, 4)
        return (net(x) - x.prod(1, keepdim=True) - 0.3 * torch.randn(32, 1)).square().mean()

    return Loop(net, makers[kind](net.parameters(), lr=rate), loss_of)


def classification() -> Loop:
    """Cross-entropy with momentum, of which the loss of guessing is known."""
    net = perceptron(6, 5)
    centres = 2 * torch.randn(5, 6)

    def loss_of(step: int) -> Tensor:
        label = torch.randint(5, (48,))
        return functional.cross_entropy(net(centres[label] + torch.randn(48, 6)), label)

    return Loop(net, torch.optim.SGD(net.parameters(), 0.05, momentum=0.9), loss_of, clip=5.0, nothing=math.log(5))


def perfect_fit() -> Loop:
    """Few points, all of them at each step: the loss falls to rounding and trembles there."""
    net, x, y = perceptron(3, 1, 48), torch.randn(6, 3), torch.randn(6, 1)
    return Loop(net, torch.optim.Adam(net.parameters(), 1e-2), lambda step: (net(x) - y).square().mean(), steps=900)


def separable_hinge() -> Loop:
    """A loss that is exactly zero once all is well."""
    net = perceptron(2, 1)

    def loss_of(step: int) -> Tensor:
        x = torch.randn(32, 2)
        return functional.relu(1 - x[:, :1].sign() * 3 * net(x)).mean() * (x[:, :1].abs() > 0.2).float().mean()

    return Loop(net, torch.optim.Adam(net.parameters(), 1e-2), loss_of)


def variational() -> Loop:
    """A reconstruction with a divergence that is switched on over 200 steps: the loss rises on purpose."""
    encode, decode = perceptron(6, 4), perceptron(2, 6)
    net = nn.ModuleList([encode, decode])

    def loss_of(step: int) -> Tensor:
        x = torch.randn(32, 2) @ torch.ones(2, 6) + 0.1 * torch.randn(32, 6)
        mean, log = encode(x).chunk(2, 1)
        z = mean + torch.exp(0.5 * log) * torch.randn_like(mean)
        divergence = 0.5 * (mean.square() + log.exp() - 1 - log).sum(1).mean()
        return (decode(z) - x).square().sum(1).mean() + min(1.0, step / 200) * divergence

    return Loop(net, torch.optim.Adam(net.parameters(), 3e-3), loss_of)


def likelihood() -> Loop:
    """A Gaussian log-likelihood, which falls through zero."""
    net = perceptron(2, 2)

    def loss_of(step: int) -> Tensor:
        x = torch.randn(64, 2)
        mean, log = net(x).chunk(2, 1)
        return (log + 0.5 * ((x[:, :1].sin() + 0.05 * torch.randn(64, 1) - mean) / log.exp()).square()).mean()

    return Loop(net, torch.optim.Adam(net.parameters(), 3e-3), loss_of, clip=10.0, steps=900)


def adversarial() -> Loop:
    """A generator against a critic: its loss goes up and down and means little."""
    net, critic = perceptron(2, 2), perceptron(2, 1)
    other = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.9))

    def loss_of(step: int) -> Tensor:
        real, fake = torch.randn(32, 2) + 2, net(torch.randn(32, 2))
        other.zero_grad()
        (functional.softplus(-critic(real)) + functional.softplus(critic(fake.detach()))).mean().backward()
        other.step()
        return functional.softplus(-critic(fake)).mean()

    return Loop(net, torch.optim.Adam(net.parameters(), 1e-3, betas=(0.5, 0.9)), loss_of)


def flow_matching() -> Loop:
    """Of standardised data: predicting nothing costs 2."""
    net = perceptron(3, 2)

    def loss_of(step: int) -> Tensor:
        angle, e, t = 2 * math.pi * torch.rand(64, 1), torch.randn(64, 2), torch.rand(64, 1)
        x = math.sqrt(2) * torch.cat([angle.cos(), angle.sin()], 1)
        return (net(torch.cat([(1 - t) * x + t * e, t], 1)) - (e - x)).square().mean()

    return Loop(net, torch.optim.Adam(net.parameters(), 2e-3), loss_of, nothing=2.0)


def meanflow(seed: int) -> Loop:
    """MeanFlow with its adaptive weight: the weighted loss is shown, the raw one judged."""
    layers = perceptron(4, 2, 48)
    objective = nmf.ObjectiveSettings(prediction="u")
    times, generator = nmf.TimeSettings(data_proportion=0.5), np.random.default_rng(seed)

    def net(z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
        return layers(torch.cat([z, r_B[:, None], t_B[:, None]], dim=1))

    def loss_of(step: int) -> tuple[Tensor, Tensor]:
        angle = torch.from_numpy(generator.uniform(0, 2 * np.pi, 64)).float()
        batch = nmf.draw_batch(torch.stack([angle.cos(), angle.sin()], 1), times, generator, start=64 * step)
        found = nmf.meanflow_objective(net, batch, objective)
        return found.weighted_B.mean(), found.terms["velocity"].loss_B.mean()

    return Loop(layers, torch.optim.Adam(layers.parameters(), 1e-3), loss_of)


def recurrent() -> Loop:
    """A language of a few letters, with warm-up, cosine and a clip."""
    net = nn.ModuleDict(
        {"embed": nn.Embedding(8, 12), "read": nn.GRU(12, 24, batch_first=True), "say": nn.Linear(24, 8)}
    )
    chain = torch.softmax(3 * torch.randn(8, 8), 1)

    def loss_of(step: int) -> Tensor:
        letters = [torch.randint(8, (16,))]
        for _ in range(8):
            letters.append(torch.multinomial(chain[letters[-1]], 1)[:, 0])
        text = torch.stack(letters, 1)
        logits = net["say"](net["read"](net["embed"](text[:, :-1]))[0])
        return functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())

    def rate(step: int) -> float:
        return 1e-2 * min((step + 1) / 30, 0.5 * (1 + math.cos(math.pi * step / 240)))

    return Loop(net, torch.optim.AdamW(net.parameters(), 1e-2), loss_of, clip=1.0, schedule=rate, steps=240)


def attention() -> Loop:
    """A transformer's layer with dropout, an average of its weights, and restarts of the rate."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
    net = nn.Sequential(nn.Linear(4, 16), layer, nn.Linear(16, 4))
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))

    def loss_of(step: int) -> Tensor:
        x = torch.randn(16, 5, 4)
        return (net(x) - x.flip(1)).square().mean()

    return Loop(net, torch.optim.AdamW(net.parameters(), 3e-3), loss_of, ema=average, steps=240,
                schedule=lambda step: 3e-3 * (1 - 0.9 * (step % 80) / 80))  # fmt: skip


def contrastive() -> Loop:
    """Two views of a sample against those of the others."""
    net = perceptron(8, 8)

    def loss_of(step: int) -> Tensor:
        x = torch.randn(32, 8)
        one, two = (functional.normalize(net(x + 0.2 * torch.randn_like(x)), dim=1) for _ in range(2))
        return functional.cross_entropy(one @ two.T / 0.2, torch.arange(32))

    return Loop(net, torch.optim.Adam(net.parameters(), 2e-3), loss_of, nothing=math.log(32))


def policy_gradient() -> Loop:
    """A loss that is negative half of the time, and whose value means nothing."""
    net = perceptron(3, 4)

    def loss_of(step: int) -> Tensor:
        state = torch.randn(64, 3)
        chance = torch.distributions.Categorical(logits=net(state))
        action = chance.sample()
        reward = (action == state.argmax(1)).float()
        return -(chance.log_prob(action) * (reward - reward.mean())).mean()

    return Loop(net, torch.optim.Adam(net.parameters(), 3e-3), loss_of, steps=900)


def accumulated() -> Loop:
    """Four micro-batches an update, each of them told to the guard."""
    loop = regression()
    loop.accumulate = 4
    return loop


def frozen_backbone() -> Loop:
    """A head on layers that stand still, and are said to."""
    net = nn.ModuleDict({"backbone": perceptron(4, 16), "head": nn.Linear(16, 1)})

    def loss_of(step: int) -> Tensor:
        x = torch.randn(32, 4)
        return (net["head"](net["backbone"](x).detach()) - x[:, :1]).square().mean()

    return Loop(net, torch.optim.Adam(net["head"].parameters(), 1e-2), loss_of, idle=("backbone.",))


def sparse_rows() -> Loop:
    """An embedding of which each batch touches a few rows."""
    net = nn.Embedding(200, 8, sparse=True)
    wanted = torch.randn(200, 8)

    def loss_of(step: int) -> Tensor:
        row = torch.randint(200, (32,))
        return (net(row) - wanted[row]).square().mean()

    return Loop(net, torch.optim.SparseAdam(net.parameters(), 2e-2), loss_of)


def harder_data() -> Loop:
    """Data that become harder halfway: the loss jumps and stays there for a while."""
    net = perceptron(2, 1)

    def loss_of(step: int) -> Tensor:
        x = torch.randn(32, 2) * (1.0 if step < STEPS // 2 else 2.0)
        return (net(x) - x[:, :1].abs() - 0.2 * torch.randn(32, 1)).square().mean()

    return Loop(net, torch.optim.Adam(net.parameters(), 3e-3), loss_of)


def heavy_tails() -> Loop:
    """Noise with rare, far outliers all along."""
    net = perceptron(2, 1)
    noise = torch.distributions.StudentT(2.5)

    def loss_of(step: int) -> Tensor:
        x = torch.randn(16, 2)
        return (net(x) - x[:, :1] - noise.sample((16, 1))).square().mean()

    return Loop(net, torch.optim.Adam(net.parameters(), 1e-3), loss_of, clip=1.0, steps=900)


KINDS: dict[str, Callable[[int], Loop]] = {
    "regression": lambda seed: regression(),
    "wide": lambda seed: regression(96, "adamw"),
    "descent": lambda seed: regression(kind="sgd"),
    "rmsprop": lambda seed: regression(kind="rmsprop"),
    "adagrad": lambda seed: regression(kind="adagrad"),
    "classification": lambda seed: classification(),
    "perfect fit": lambda seed: perfect_fit(),
    "hinge": lambda seed: separable_hinge(),
    "variational": lambda seed: variational(),
    "likelihood": lambda seed: likelihood(),
    "adversarial": lambda seed: adversarial(),
    "flow matching": lambda seed: flow_matching(),
    "meanflow": meanflow,
    "recurrent": lambda seed: recurrent(),
    "attention": lambda seed: attention(),
    "contrastive": lambda seed: contrastive(),
    "policy gradient": lambda seed: policy_gradient(),
    "accumulated": lambda seed: accumulated(),
    "frozen backbone": lambda seed: frozen_backbone(),
    "sparse rows": lambda seed: sparse_rows(),
    "harder data": lambda seed: harder_data(),
    "heavy tails": lambda seed: heavy_tails(),
}
"""Each kind of loop by name, made from a seed."""


def healthy_loop(kind: str, seed: int) -> Loop:
    """A loop of this kind, drawn anew for each seed."""
    torch.manual_seed(seed)
    return KINDS[kind](seed)
