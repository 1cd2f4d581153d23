"""The gate's smoke training: a few real steps of the configuration's objective on latents of real MRI.

The laws that need a running training are judged at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from neuromf_spec.registry import law

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.data.cohort import Scan
from neuromf.data.covariates import stand_in_covariates
from neuromf.flow.batch import Batch
from neuromf.flow.network import evaluate
from neuromf.gate.result import LawResult, law_result
from neuromf.gate.scale import small_scale
from neuromf.gate.smoke_latents import DEMO, smoke_latents
from neuromf.gate.static import CHECKS
from neuromf.monitor.checks.launch_checks import data_reading, first_loss_reading, launch_readings
from neuromf.monitor.checks.network_probe import network_readings
from neuromf.monitor.checks.runtime_checks import LawLog, LawReading, judge, reduced_loss, step_readings
from neuromf.monitor.engine import check_readings
from neuromf.monitor.guard.alarm import Level
from neuromf.trace.columns import TraceRow, number_or_none
from neuromf.training.batches.source import BatchSource
from neuromf.training.device.arithmetic import arithmetic_fault
from neuromf.training.records.previews import averaged_net, draw_latents
from neuromf.training.step.state import TrainState, initial_state
from neuromf.training.step.train_step import train_step


@dataclass(frozen=True)
class SmokeRun:
    """What the smoke training showed.

    Attributes:
        config: the shrunk configuration.
        rows: its trace.
        results: the laws judged on it.
        real: axial slice of a real scan's latent.
        generated: axial slice of one sample in one step.
        message: why it ended early, empty when it did not.
        latents: what it was trained on.
        pictured: what `real` and `generated` show.
        note: what it did otherwise than the configuration says, empty when nothing.
    """

    config: Config
    rows: list[TraceRow]
    results: list[LawResult]
    real: np.ndarray
    generated: np.ndarray
    message: str
    latents: str
    pictured: str
    note: str = ""

    @property
    def summary(self) -> dict[str, object]:
        """Its length and what became of its losses, as a verdict keeps them."""
        names = ("raw_total", "raw_fm", "raw_mf", "weighted", "objective")
        first, last = ({name: number_or_none(row, name) for name in names} for row in (self.rows[0], self.rows[-1]))
        said = {"note": self.note} if self.note else {}
        return {
            "steps": len(self.rows),
            "latents": self.latents,
            "first": first,
            "last": last,
            "ended_early": self.message,
            **said,
        }


def run_smoke(
    config: Config,
    sources: Mapping[str, str],
    on_progress: Callable[[int, int, str], None] | None = None,
    *,
    scans: Sequence[Scan] | None = None,
) -> SmokeRun:
    """Train `config` at small scale and judge the runtime laws on every step; `scans` are its own, if known."""
    report = on_progress or (lambda done, total, note: None)
    small, note = _trustworthy(small_scale(config))
    chosen = smoke_latents(config, small, lambda done, total: report(done, total, DEMO), scans)
    small, device = chosen.config, torch.device("cpu")
    source = BatchSource(chosen.training, small, device, stand_in_covariates(small, len(chosen.training)))
    state = initial_state(small, (1.0,) * small.vae.latent_channels, device)
    log = LawLog()
    if small.unet.factory is not None:
        log.add(network_readings(small, device))
    log.add([data_reading(chosen.whole)])
    first = source.draw(0, 0, small.training.batch_size_per_gpu)
    log.add(launch_readings(small, state.model, first))
    zero = _starts_at_zero(state, first)
    note = "; ".join(filter(None, (note, *_otherwise(config, zero=zero))))
    rows, message = _steps(small, source, state, log, report, zero=zero)
    _closing_readings(small, rows, log)
    shape = tuple(chosen.training.shape[1:])
    generated = draw_latents(averaged_net(state), small, shape, steps=1, count=1, seed=0, device=device)
    return SmokeRun(
        config=small,
        rows=rows,
        results=_results(log, sources),
        real=chosen.picture(chosen.training),
        generated=chosen.picture(generated),
        message=message,
        latents=chosen.origin,
        pictured=chosen.pictured,
        note=note,
    )


def _otherwise(config: Config, *, zero: bool) -> list[str]:
    """What else the smoke training leaves out, a clause each."""
    said = [] if config.training.init_from is None else ["from scratch, not from training.init_from"]
    if config.covariates.columns:
        said.append("with covariates drawn at random, not those of your scans")
    return said if zero else [*said, NOT_ZERO]


@torch.no_grad()
def _starts_at_zero(state: TrainState, batch: Batch) -> bool:
    """Whether the network puts out zero before the first step, as law PRED-002 presumes; ours does."""
    output = evaluate(state.model, batch.x, batch.r_B, batch.t_B)
    return all(not bool(part.any()) for part in output if part is not None)


NOT_ZERO = "PRED-002 is not judged, for the network's output does not start at zero"


def _trustworthy(config: Config) -> tuple[Config, str]:
    """The smoke training in float32, and why, where this processor computes the run's own precision wrongly."""
    fault = arithmetic_fault(config, torch.device("cpu"))
    if not fault:
        return config, ""
    training = config.training.model_copy(update={"precision": "fp32"})
    return config.model_copy(update={"training": training}), f"in fp32 instead of bf16, for {fault}"


def _steps(
    config: Config,
    source: BatchSource,
    state: TrainState,
    log: LawLog,
    report: Callable[[int, int, str], None],
    *,
    zero: bool,
) -> tuple[list[TraceRow], str]:
    total = run_facts(config).optimiser_steps
    rows: list[TraceRow] = []
    expected = {name: value.double() for name, value in state.ema.shadow.items()}
    while state.step < total:
        record = train_step(state, source, config)
        rows.append(record.row)
        if record.row["step"] == 0 and zero:
            batches = [source.draw(0, start, size) for start, size in source.micro_batches()]
            log.add([first_loss_reading(config, record.row, batches)])
        log.add(step_readings(config, record.row))
        if record.checks is not None:
            log.add(check_readings(config, record.checks))
        if record.verdict.level not in (Level.OK, Level.WARN):
            return rows, record.verdict.message
        if (decay := config.ema.decay) is not None:
            _average_by_hand(expected, state, decay)
            log.add([_average_reading(state, expected, decay)])
        report(state.step, total, f"raw {record.row['raw_total']:.4g} weighted {record.row['weighted']:.4g}")
    return rows, ""


def _average_by_hand(expected: dict[str, torch.Tensor], state: TrainState, decay: float) -> None:
    """The closed form, one term a step, in float64 and without the trainer's own average."""
    for name, value in state.model.named_parameters():
        expected[name] = decay * expected[name] + (1 - decay) * value.detach().double()


def _updates(state: TrainState, expected: dict[str, torch.Tensor]) -> int:
    """Steps whose average agrees with the closed form; -1 says that the present one does not."""
    # torch's max keeps a NaN, Python's would drop one that does not come first.
    error = torch.stack([(state.ema.shadow[name] - value).abs().max() for name, value in expected.items()]).max()
    # A float32 average rounds once a step: 30 steps of weights below 2 lose at most 30 * 2 * 6e-8.
    return state.step if error <= 1e-5 else -1


def _average_reading(state: TrainState, expected: dict[str, torch.Tensor], decay: float) -> LawReading:
    return judge("EMA-001", decay=decay, ema_updates=_updates(state, expected), optimiser_steps=state.step)


def _closing_readings(config: Config, rows: list[TraceRow], log: LawLog) -> None:
    """Where the training ended: the operating point of norm_eps (law WGT-005), and how far it strayed (GUARD-003)."""
    loss, settings = reduced_loss(config, rows[-1]), config.meanflow
    log.add([judge("WGT-005", loss=loss, norm_eps=settings.norm_eps, norm_p=settings.norm_p)])
    losses = torch.tensor([row["raw_total"] for row in rows], dtype=torch.float64)
    threshold = config.training.divergence_threshold
    bounded = judge("GUARD-003", largest=float(losses.max()), initial=float(losses[0]), divergence_threshold=threshold)
    log.add([bounded])


def _results(log: LawLog, sources: Mapping[str, str]) -> list[LawResult]:
    keys = {law_id: check.key for law_id, check in CHECKS.items()}
    results = []
    for law_id, finding in log.readings.items():
        key = keys.get(law_id, "")
        results.append(law_result(law(law_id), finding, key=key, where="smoke", value_source=sources.get(key, "")))
    return results
