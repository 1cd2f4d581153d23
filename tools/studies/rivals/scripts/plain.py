"""A classifier as in most tutorials: mixed precision, a clip, warm-up and cosine, an evaluation each fifty steps."""

import json
import math
import os
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from tools.studies.rivals.watcher import LoopWatcher

CLASSES, INPUTS, CLIP = 8, 16, 1.0
DEVICE = torch.device("cpu")


class Classifier(nn.Module):
    """A stem that is not trained, hidden layers with dropout, and a head with a spectral norm."""

    def __init__(self, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Linear(INPUTS, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(depth)])
        self.head = nn.Linear(width, CLASSES)
        self.dropout = dropout
        self.apply(initialise)
        self.head = nn.utils.spectral_norm(self.head)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the classes."""
        h = functional.gelu(self.stem(x))
        for hidden, norm in zip(self.hidden, self.norms, strict=True):
            h = h + functional.dropout(functional.gelu(hidden(norm(h))), self.dropout, self.training)
        return self.head(h)

    def freeze_stem(self) -> None:
        """Random features stay as they are."""
        self.stem.requires_grad_(False)


def initialise(module: nn.Module) -> None:
    """Weights of a linear layer."""
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        nn.init.zeros_(module.bias)


def blobs(count: int, centres: Tensor) -> TensorDataset:
    """Points around a centre a class."""
    labels = torch.randint(CLASSES, (count,))
    return TensorDataset(centres[labels] + torch.randn(count, INPUTS), labels)


def batches(loader: DataLoader[Any]) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        yield from loader


@torch.no_grad()
def test(model: nn.Module, loader: DataLoader[Any]) -> float:
    """Mean loss of the held-out points."""
    model.eval()
    losses = []
    for x, y in loader:
        losses.append(float(functional.cross_entropy(model(x.to(DEVICE)), y.to(DEVICE))))
    model.train()
    return sum(losses) / len(losses)


def train(s: SimpleNamespace, watcher: LoopWatcher) -> list[dict[str, float]]:
    """Train; a row a step."""
    torch.manual_seed(s.seed)
    augment = np.random.default_rng(s.seed)
    centres = 0.9 * torch.randn(CLASSES, INPUTS)
    data, held_out = blobs(64 * s.batch, centres), blobs(256, centres)
    loader = DataLoader(data, batch_size=s.batch, shuffle=True)
    held_out_loader = DataLoader(held_out, batch_size=128)
    model = Classifier(s.width, s.depth, s.dropout)
    model.freeze_stem()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=s.rate, weight_decay=s.weight_decay)

    def share(update: int) -> float:
        return min((update + 1) / s.warmup, 0.5 * (1 + math.cos(math.pi * min(update / (s.steps + 1), 1))))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=100)
    watcher.start(model, optimizer, lr=lambda update: s.rate * share(update), clip=CLIP)
    model.train()
    rows: list[dict[str, float]] = []
    for step, batch in zip(range(s.steps), batches(loader), strict=False):
        began = time.perf_counter()
        x, y = batch[0].to(DEVICE), batch[1].to(DEVICE)
        x += 0.3 * torch.from_numpy(augment.standard_normal(x.shape)).float()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(x)
        loss = functional.cross_entropy(scores.float(), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        row = {"step": step, "loss": loss.item(), "lr": optimizer.param_groups[0]["lr"], "grad_norm": float(norm)}
        watcher.step(loss, row, skipped=not math.isfinite(row["grad_norm"]))
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        row["seconds"] = time.perf_counter() - began
        if (step + 1) % s.evaluate_every == 0:
            with watcher.evaluation():
                row["eval_loss"] = test(model, held_out_loader)
        rows.append(row)
    watcher.close()
    return rows


if __name__ == "__main__":
    settings = SimpleNamespace(**json.loads(os.environ["RIVALS_SETTINGS"]))
    found = train(settings, LoopWatcher())
    with open(os.environ["RIVALS_ROWS"], "w", encoding="utf-8") as stream:
        json.dump(found, stream)
