"""Scenarios of what judges a configuration: on paper, live, in a diagnosis, and in the plan of a job."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

from neuromf.config import Config, run_facts
from neuromf.config.derived import derivative_precision, epoch_of_step, weights_are_measured
from neuromf.diagnosis.symptoms import configuration as suspects
from neuromf.diagnosis.symptoms.blocks import applied_rate
from neuromf.diagnosis.symptoms.loss import level_of_nothing
from neuromf.diagnosis.symptoms.update import exposed, update_signs
from neuromf.errors import InputError
from neuromf.facts.laws import FACT_LAWS
from neuromf.facts.of_config import facts_of
from neuromf.gate.scale import small_scale
from neuromf.gate.static import CHECKS
from neuromf.launch.resources import resources
from neuromf.monitor.checks import launch_checks, runtime_checks
from neuromf.monitor.checks.launch_checks import first_loss_reading, launch_readings
from neuromf.monitor.checks.network_probe import network_readings, refuse_unfit
from neuromf.monitor.checks.runtime_checks import step_readings
from neuromf.monitor.checks.trace_summary import summarise
from neuromf.monitor.guard import zero_predictor
from neuromf.monitor.guard.guard import self_test
from neuromf.nets.factory import build_net
from neuromf.nets.unet import build_unet
from neuromf.nets.vae_architecture import VaeArchitecture
from neuromf.trace.columns import Row
from neuromf.training.checkpoints.folders import retention
from neuromf.training.device.arithmetic import bfloat16_fault, convolutions
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.step.backward import sharing_a_derivative
from neuromf.training.step.schedule import lr_multiplier
from neuromf.training.validation import refuse_uneven
from tests.support.fake_run import row_of
from tests.support.wiring.parts import CPU, FIRST, ONE_LEVEL, points
from tests.support.wiring.reads import Observed


def on_paper(config: Config) -> Observed:
    """The arguments with which the static gate judges each law, and what follows from a configuration by counting."""
    facts = run_facts(config)
    return {
        **{law_id: check.arguments(config, facts) for law_id, check in CHECKS.items()},
        "facts": vars(facts),
        "derivative of a bf16 training": derivative_precision(
            config.model_copy(update={"training": config.training.model_copy(update={"precision": "bf16"})})
        ),
        "self-test": self_test(config),
        "epochs": [epoch_of_step(config, step) for step in range(12)],
        "weights measured": [weights_are_measured(config, step) for step in range(100)],
    }


def shrunk(config: Config) -> Observed:
    """The gate's small training of a configuration."""
    small = small_scale(config)
    return {name: getattr(small, name) for name in type(small).model_fields}


@contextlib.contextmanager
def arguments_alone() -> Iterator[None]:
    """A law that is judged shows what it is asked, not what it says."""
    asked_alone = mock.Mock(side_effect=lambda law_id, **asked: mock.Mock(law_id=law_id, finding=asked))
    here = mock.patch.object(runtime_checks, "judge", asked_alone)
    with here, mock.patch.object(launch_checks, "judge", asked_alone):
        yield


def live(config: Config) -> Observed:
    """The laws that are judged on a step's row."""
    with arguments_alone():
        found = {reading.law_id: reading.finding for reading in step_readings(config, row_of(3, frac_fm=0.25))}
        first = {reading.law_id: reading.finding for reading in step_readings(config, row_of(0))}
    return {**found, "LR-001": first["LR-001"]}


def launched(config: Config) -> Observed:
    """The laws that are judged before the first step and on the first loss."""
    net = build_unet(ONE_LEVEL.unet, v_head=config.meanflow.tangent == "v_head", seed=0)
    with arguments_alone():
        found = {reading.law_id: reading.finding for reading in launch_readings(config, net, points())}
        return {**found, "PRED-002": first_loss_reading(config, row_of(0), [points()]).finding}


def own_launched(config: Config) -> Observed:
    """The laws that are judged on a network of a user's own, and those before its first step."""
    refuse_unfit(config, CPU)
    found = {reading.law_id: reading.finding for reading in network_readings(config, CPU)}
    return found | {reading.law_id: reading.finding for reading in launch_readings(config, build_net(config), points())}


def suspected(config: Config) -> Observed:
    """What a diagnosis reads from a configuration and a trace that keeps to it."""
    facts = run_facts(config)
    rows = [_row_by(FIRST, step) for step in range(8)]
    return {
        **{law_id: FACT_LAWS[law_id].arguments(facts_of(config)) for law_id in suspects.SUSPECTED},
        **{law_id: arguments(config, facts) for law_id, arguments in suspects.OWN.items()},
        "below clamp": suspects.share_below_clamp(config),
        "of nothing": level_of_nothing(config, 2.0),
        "signs": dict(update_signs(config, summarise(rows), long_enough=True)),
        "exposed": [exposed(config, step) for step in range(60, 76)],
        "rate": [applied_rate(config, step) for step in (1, 5, 9)],
    }


def _row_by(config: Config, step: int) -> Row:
    training, total = config.training, run_facts(config).optimiser_steps
    rate = training.learning_rate * lr_multiplier(step, total, training.warmup_steps, training.lr_schedule)
    return row_of(step, lr=rate, frac_fm=0.3, ema_gap=0.0 if step == 0 else 1e-5, update_rms=1e-3, param_rms=1.0)


def anchored(config: Config) -> Observed:
    """The level that a training starts at, in closed form."""
    with mock.patch.object(zero_predictor, "POINTS", 2**8):
        return vars(zero_predictor.anchor.__wrapped__(config))


def planned(config: Config) -> Observed:
    """What a run asks of machine, disk and processes."""
    architecture, ranks = VaeArchitecture((8, 8, 8), (1, 1, 1), 4), {}
    with mock.patch("neuromf.launch.resources.STEP_GIB", 1e-9):
        asked = {f"{gpus} GPUs": resources(config, architecture, 100, gpus) for gpus in (0, 2)}
    for size in range(1, 9):
        with contextlib.suppress(InputError):
            refuse_uneven(config, ProcessGroup(0, size))
            ranks[size] = "even"
            continue
        ranks[size] = _said(config, size)
    shares = [(start, 2) for start in range(0, 16, 2)]
    return {
        **asked,
        "ranks": ranks,
        "kept": retention(config),
        "probed": convolutions(config),
        "together": sharing_a_derivative(shares, config, 3),
    }


def _said(config: Config, size: int) -> str:
    try:
        refuse_uneven(config, ProcessGroup(0, size))
    except InputError as error:
        return error.problem
    return "even"


def trusted(config: Config) -> Observed:
    """Whether the processor's bfloat16 is asked about."""
    with mock.patch("neuromf.training.device.arithmetic.probe", lambda convolution: f"asked of {convolution}"):
        return {"fault": bfloat16_fault(config, CPU)}
