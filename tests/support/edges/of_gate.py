"""Edges of what the gate's training and its inputs are judged by."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch

from neuromf.config import Config
from neuromf.data.autoencoder_record import KeptQuality
from neuromf.data.examine import Examination
from neuromf.flow.batch import Batch
from neuromf.gate import inputs, smoke
from neuromf.monitor.checks.launch_checks import data_reading, first_loss_reading
from neuromf.monitor.checks.runtime_checks import LawLog
from tests.support.edges.edge import Edge, broken, either_side, none_of, plain, upper
from tests.support.edges.of_step import DIMS, healthy_row


def gate_edges() -> Iterator[Edge]:
    """All of them."""
    for terms in (1, 2):
        yield either_side("PRED-002", f"{terms} terms", lambda error, n=terms: first_loss(error, n), 1e-3)
    yield Edge("PRED-002", "no number", lambda error: first_loss(error, 1), (0.0,), (math.nan, math.inf))
    yield from closing_edges()
    yield either_side("EMA-001", "closed form", averaged, 1e-5)
    yield Edge("EMA-001", "no number", averaged, (0.0,), (math.nan, math.inf))
    for what, made in (("whole", _whole), ("streamed", _streamed)):
        for channel in (0, 1):
            yield either_side("DATA-001", f"mean {channel}, {what}", _standardised(made, channel, "mean"), 1e-4)
            yield either_side("DATA-001", f"std {channel}, {what}", _standardised(made, channel, "std"), 1e-4)
            yield Edge("DATA-001", f"none {channel}, {what}", _standardised(made, channel, "mean"), (0.0,), (math.nan,))
    bad: Any = SimpleNamespace(scan=SimpleNamespace(path="a"), problem="short")
    yield none_of(
        "DATA-004", "scans", lambda n: broken([inputs._scans_reading(Examination(23, 23, (bad,) * n), allowed=0)])
    )
    yield Edge("DATA-005", "autoencoder", _autoencoder, ("demo",), ("none.pt",))
    yield Edge("DATA-008", "decibels", _given_back, (20.01, math.inf), (20.0, 19.0, math.nan))


def closing_edges() -> Iterator[Edge]:
    """Where the gate's training ended and how far it strayed."""
    for terms, number in (("single", 1), ("dual", 2)):
        for reduction, dims in (("mean", 1), ("sum", DIMS)):
            config = plain(f"meanflow.loss_terms={terms}", f"meanflow.reduction={reduction}")
            ended = lambda ratio, c=config, unit=0.5 * number / dims: closing(c, last=ratio * unit)  # noqa: E731
            yield Edge("WGT-005", f"{terms} {reduction}", ended, (0.11, 9.0), (0.09, 11.0))
    for halt, bound in (("100", 100.0), ("20", 20.0), ("null", 100.0)):
        config = plain(f"training.divergence_threshold={halt}")
        strayed = lambda ratio, c=config: closing(c, largest=3 * ratio, first=3.0)  # noqa: E731
        yield upper("GUARD-003", f"threshold {halt}", strayed, bound)


def closing(config: Config, *, first: float = 1.0, largest: float = 1.0, last: float = 1.0) -> set[str]:
    """Laws that the gate's training breaks by its first, largest and last raw loss."""
    log, losses = LawLog(), (first, largest, last)
    smoke._closing_readings(config, [healthy_row(raw_total=loss) for loss in losses], log)  # type: ignore[arg-type]
    return {law for law, finding in log.readings.items() if not finding.passed}


def first_loss(error: float, terms: int) -> set[str]:
    """Laws that a first loss breaks which is off by `error` from that of a network that outputs zero."""
    x, e = torch.randn((2, 3, 4, 2, 2, 2), generator=torch.Generator().manual_seed(0)).unbind()
    halves = [Batch(x[p], e[p], torch.full((n,), 0.2), torch.full((n,), 0.7)) for p, n in ((slice(2), 2), ([2], 1))]
    expected = terms * float((e.double() - x.double()).square().mean())  # a zero u leaves e - x, in each term
    config = plain(f"meanflow.loss_terms={'single' if terms == 1 else 'dual'}")
    return broken([first_loss_reading(config, healthy_row(raw_total=(1 + error) * expected), halves)])


def averaged(error: float) -> set[str]:
    """Laws that an average breaks which is off by `error` in one weight from the closed form."""
    expected = {"a": torch.ones(3, dtype=torch.float64), "b": torch.zeros(2, dtype=torch.float64)}
    shadow = {"a": expected["a"].clone(), "b": torch.tensor([error, 0.0], dtype=torch.float64)}
    state: Any = SimpleNamespace(step=7, ema=SimpleNamespace(shadow=shadow))
    return broken([smoke._average_reading(state, expected, 0.98)])


def _standardised(made: Callable[[int, float, float], Any], channel: int, which: str) -> Callable[[float], set[str]]:
    """Laws that latents break of which one channel's mean or standard deviation is off."""
    moments = {"mean": lambda error: (error, 1.0), "std": lambda error: (0.0, 1 + error)}[which]
    return lambda error: broken([data_reading(made(channel, *moments(error)))])


def _whole(channel: int, mean: float, std: float) -> torch.Tensor:
    latents = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(2, 2, 2, 2, 1)
    latents[:, channel] = latents[:, channel] * std + mean
    return latents


def _streamed(channel: int, mean: float, std: float) -> SimpleNamespace:
    moments = torch.tensor([[0.0, 0.0, 1.0, 1.0]], dtype=torch.float64).repeat(3, 1)
    moments[:, channel], moments[:, 2 + channel] = mean, std**2 + mean**2
    return SimpleNamespace(moments=moments)


def _given_back(psnr: float) -> set[str]:
    return broken([inputs._judged(KeptQuality(3, psnr, 20.0))])


def _autoencoder(checkpoint: str) -> set[str]:
    found = inputs.open_inputs(plain(f"vae.checkpoint={checkpoint}"), {}, (), trains=True)
    return {result.law_id for result in found.results if result.status == "block"}
