"""Edges of what the monitor judges in a step: its trace row, and what the probe of silent faults found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from neuromf_spec.reference.schedule import lr_multiplier

from neuromf.config import Config
from neuromf.monitor.checks.coverage import Coverage
from neuromf.monitor.checks.step_checks import StepChecks
from neuromf.monitor.engine import Monitor
from neuromf.monitor.guard.alarm import Verdict
from neuromf.monitor.moments import LatentMoments
from neuromf.trace.columns import NAMES, Row
from tests.support.edges.edge import Edge, LawsBroken, either_side, none_of, plain, upper
from tests.support.tiny_run import make_tiny_config

CONFIG = plain()
RATE = CONFIG.training.learning_rate
EFFECTIVE_BATCH, DIMS, TOTAL = 8, 4 * 8**3, 6
"""Of `CONFIG`: samples of a step, numbers in a latent, steps of the run."""
SAMPLES = 4
MOMENTS = LatentMoments(mean=(0.0, 0.5, 1.0, 1.25), spread=(1.0, 2.0, 1.0, 0.5))
CHECKS = StepChecks(
    coverage=Coverage(trainable=88, held=88, repeated=0, still=0),
    stale=0,
    recorded=2,
    counted=2,
    average_updates=1.0,
    differing=(0, 0),
    moments={"data.samples": float(SAMPLES), **{f"data.{i}": SAMPLES * mean for i, mean in enumerate(MOMENTS.mean)}},
    norm=1.0,
    clipped_norm=1.0,
)
"""What a healthy step leaves."""


def healthy_row(**cells: object) -> dict[str, object]:
    """A row of `CONFIG` that breaks no law, with some cells replaced."""
    row: dict[str, object] = dict.fromkeys(NAMES, 1.0)
    row |= {"step": 1, "batch_hash": "0" * 12, "frac_fm": 0.5, "raw_v_head": None, "lr": RATE}
    return row | cells


def heard(row: Row, checks: StepChecks | None = None, config: Config = CONFIG) -> set[str]:
    """Laws that the monitor of a new run tells of in one step."""
    return {event.law for event in Monitor(config, MOMENTS).judge(row, Verdict(), checks)}  # type: ignore[arg-type]


def cell(name: str, config: Config = CONFIG, scale: float = 1.0) -> LawsBroken:
    """Laws that speak where one cell of a healthy row is another, in units of `scale`."""
    return lambda value: heard(healthy_row(**{name: value if value is None else value * scale}), config=config)


def step_edges() -> Iterator[Edge]:
    """All of them."""
    yield from row_edges()
    yield from loss_edges()
    yield from rate_edges()
    yield from check_edges()


def row_edges() -> Iterator[Edge]:
    """Losses, gradient, columns, share of FM samples."""
    yield Edge("NUM-001", "loss", cell("raw_total"), (3e38,), (math.inf, -math.inf))
    yield Edge("NUM-001", "loss is none", cell("raw_total"), (0.0,), (math.nan,), frozenset({"WGT-002"}))
    yield Edge("NUM-001", "gradient", cell("grad_norm"), (3e38, 0.0), (math.inf, math.nan))
    for name in ("raw_fm", "raw_mf", "raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3"):
        yield Edge("OBS-001", name, cell(name), (0.0,), (None,))
    yield Edge("OBS-001", "raw_total", cell("raw_total"), (0.0,), (None,), frozenset({"NUM-001", "WGT-002"}))
    yield upper("JVP-006", "rho", cell("rho"), 3.0)
    uneven = make_tiny_config("time_sampling.data_proportion=0.55")  # 4.4 of 8
    yield Edge(
        "TIME-002", "share", cell("frac_fm", uneven, 1 / EFFECTIVE_BATCH), (4, 5), (3, 6, 0, 8, math.nan, math.inf)
    )


def loss_edges() -> Iterator[Edge]:
    """The raw loss of one term over norm_eps, in the unit of the reduction."""
    for terms, number in (("single", 1), ("dual", 2)):
        for reduction, dims in (("mean", 1), ("sum", DIMS)):
            keys = (f"meanflow.loss_terms={terms}", f"meanflow.reduction={reduction}")
            ratio = cell("raw_total", plain(*keys, "training.reported_loss=weighted"), 0.5 * number / dims)
            yield Edge("WGT-002", f"{terms} {reduction}", ratio, (9.0,), (11.0,))


def rate_edges() -> Iterator[Edge]:
    """The learning rate of the first step and of others."""
    first = lambda multiplier: heard(healthy_row(step=0, lr=multiplier * RATE))  # noqa: E731
    yield Edge("LR-001", "no warm-up", first, (1.0,), (0.9, 1.1, 0.0, math.nan), frozenset({"LR-002"}))
    yield either_side("LR-002", "constant", _off_schedule(1, CONFIG), 1e-12)
    cosine = plain("training.lr_schedule=cosine", "training.warmup_steps=2")
    for step in (0, 1, 2, 4):
        yield either_side("LR-002", f"cosine, step {step}", _off_schedule(step, cosine), 1e-12)


def _off_schedule(step: int, config: Config) -> LawsBroken:
    training = config.training
    right = RATE * lr_multiplier(step, TOTAL, training.warmup_steps, training.lr_schedule)
    return lambda error: heard(healthy_row(step=step, lr=(1 + error) * right), config=config)


def check_edges() -> Iterator[Edge]:
    """What the probe of silent faults found."""
    for name, sign in (("held", -1), ("trainable", 1), ("repeated", 1), ("still", 1)):
        yield none_of("OPT-002", name, _checked("coverage", _covered(name, sign)))
    yield none_of("OPT-003", "stale", _checked("stale"))
    yield Edge("OPT-004", "counted", _checked("counted"), (2,), (1, 3, 0))
    yield Edge("OPT-004", "recorded", _checked("recorded"), (2,), (1, 3, 0))
    updates = (1.0, 1.225, 0.775, None), (1.275, 0.725, 0.0, 2.0, math.nan, math.inf)
    yield Edge("EMA-001", "updates of a step", _checked("average_updates"), *updates)
    # Within a thousandth of the norm, which is the limit here.
    yield Edge("OPT-005", "after the clip", _checked("clipped_norm"), (1.0009, 0.9991), (1.0011, 0.9989, 7.3, math.nan))
    yield Edge("OPT-005", "before the clip", _checked("norm"), (1.0, 7.3), (0.9, 0.0, math.nan))
    yield none_of("BATCH-003", "rank 0", _checked("differing", lambda count: (count, 0)))
    yield none_of("BATCH-003", "rank 1", _checked("differing", lambda count: (0, count)))
    for index in range(len(MOMENTS.mean)):
        yield either_side("DATA-003", f"moment {index}", _checked("moments", _off_manifest(index)), 6.0)
    nowhere = (_off_manifest(0)(math.nan), _off_manifest(3)(math.nan))
    yield Edge("DATA-003", "no moment", _checked("moments"), ({},), nowhere)


def _checked(name: str, made: Callable[..., object] = lambda value: value) -> LawsBroken:
    """Laws that speak where one finding of the probe is another."""
    return lambda value: heard(healthy_row(), replace(CHECKS, **{name: made(value)}))


def _covered(name: str, sign: int) -> Callable[[int], Coverage]:
    return lambda count: replace(CHECKS.coverage, **{name: getattr(CHECKS.coverage, name) + sign * count})


def _off_manifest(index: int) -> Callable[[float], dict[str, float]]:
    """Sums of a first batch with one moment so many standard errors off."""
    error = MOMENTS.spread[index] / math.sqrt(SAMPLES)
    return lambda errors: {**CHECKS.moments, f"data.{index}": SAMPLES * (MOMENTS.mean[index] + errors * error)}
