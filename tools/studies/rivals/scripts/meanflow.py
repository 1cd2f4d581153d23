"""A small MeanFlow on a ring in eight dimensions: du/dt by a forward derivative, an adaptive weight, an average."""

import json
import math
import os
import time
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tools.studies.rivals.watcher import LoopWatcher

CLIP, FREQUENCIES, DIMS = 1.0, 8, 8


class MeanVelocity(nn.Module):
    """The mean velocity u(z, r, t)."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.logspace(-1, 0.5, FREQUENCIES))
        self.stem = nn.Linear(DIMS + 4 * FREQUENCIES, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, DIMS)

    def forward(self, z: Tensor, r: Tensor, t: Tensor) -> Tensor:
        """Velocity of each sample."""
        angles = torch.cat([time[:, None] * self.frequency for time in (t, t - r)], 1)
        h = nn.functional.silu(self.stem(torch.cat([z, angles.sin(), angles.cos()], 1)))
        for hidden in self.hidden:
            h = h + nn.functional.silu(hidden(h))
        return self.out(self.norm(h))


def ring(count: int) -> Tensor:
    """Samples of the data, of about unit variance a dimension."""
    angle = torch.randint(8, (count, 1)) * (math.pi / 4) + torch.arange(DIMS) * (math.pi / 2)
    return math.sqrt(2) * angle.cos() + 0.1 * torch.randn(count, DIMS)


def meanflow_losses(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The weighted loss that is trained, and the mean square that is shown."""
    e, times = torch.randn_like(x), torch.sigmoid(torch.randn(len(x), 2) - 0.4)
    t, r = times.amax(1), times.amin(1)
    r = torch.where(torch.rand(len(x)) < 0.75, t, r)
    z, v = (1 - t[:, None]) * x + t[:, None] * e, e - x
    u, dudt = torch.func.jvp(model, (z, r, t), (v, torch.zeros_like(r), torch.ones_like(t)))
    target = (v - (t - r)[:, None] * dudt).detach()
    squared = (u - target).square().mean(1)
    weight = 1 / (squared.detach() + 0.1)
    return (weight * squared).mean(), squared.mean()


def test(average: nn.Module, model: nn.Module, held_out: Tensor, seed: int) -> float:
    """Mean square of the average's weights, which are lent to the network, on held-out samples."""
    own = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(average.state_dict())
    model.eval()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        raw = meanflow_losses(model, held_out)[1]
    model.load_state_dict(own)
    model.train()
    return float(raw)


def train(s: SimpleNamespace, watcher: LoopWatcher) -> list[dict[str, float]]:
    """Train; a row a step."""
    torch.manual_seed(s.seed)
    held_out = ring(256)
    model = MeanVelocity(s.width, s.depth)
    optimizer = torch.optim.Adam(model.parameters(), lr=s.rate, betas=(0.9, 0.95))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(s.decay))

    def share(update: int) -> float:
        return min((update + 1) / s.warmup, 1.0)

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    watcher.start(model, optimizer, lr=lambda update: s.rate * share(update), clip=CLIP, ema=average, decay=s.decay)
    model.train()
    rows: list[dict[str, float]] = []
    for step in range(s.steps):
        began = time.perf_counter()
        x = ring(s.batch)
        optimizer.zero_grad()
        loss, raw = meanflow_losses(model, x)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        row = {"step": step, "loss": raw.item(), "lr": optimizer.param_groups[0]["lr"], "grad_norm": float(norm)}
        watcher.step(loss, row)
        optimizer.step()
        scheduler.step()
        average.update_parameters(model)
        row["seconds"] = time.perf_counter() - began
        if (step + 1) % s.evaluate_every == 0:
            with watcher.evaluation():
                row["eval_loss"] = test(average.module, model, held_out, s.seed)
        rows.append(row)
    watcher.close()
    return rows


if __name__ == "__main__":
    settings = SimpleNamespace(**json.loads(os.environ["RIVALS_SETTINGS"]))
    found = train(settings, LoopWatcher())
    with open(os.environ["RIVALS_ROWS"], "w", encoding="utf-8") as stream:
        json.dump(found, stream)
