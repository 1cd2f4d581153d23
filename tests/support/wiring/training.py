"""Scenarios of a training: the state it starts from, its batches, its objective, a step, the record of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import nn

from neuromf.cli.training import note
from neuromf.config import Config
from neuromf.config.flow_settings import objective_settings
from neuromf.flow.objective import meanflow_objective
from neuromf.monitor.checks.coverage import Coverage
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.monitor.checks.step_checks import StepChecks
from neuromf.monitor.engine import Monitor, check_readings
from neuromf.monitor.guard.alarm import RawLosses, Verdict
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.monitor.moments import LatentMoments
from neuromf.nets.factory import blocks_of, build_net, parameter_count
from neuromf.nets.unet import build_unet
from neuromf.trace.columns import COLUMNS
from neuromf.training import loop
from neuromf.training.batches.source import BatchSource
from neuromf.training.device.float32_agreement import DeviceQuestion
from neuromf.training.initial_weights import find_start, other_meaning
from neuromf.training.records import step_writer
from neuromf.training.records.previews import draw_latents
from neuromf.training.records.run_folder import RunFolder, code_facts
from neuromf.training.records.step_writer import StepWriter
from neuromf.training.step import state as state_module
from neuromf.training.step import train_step as step_module
from neuromf.training.step.metrics import measure
from neuromf.training.step.optimiser import build_optimiser
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.fake_run import row_of
from tests.support.wiring.parts import CPU, ONE_LEVEL, SHAPE, digest, latents, points
from tests.support.wiring.reads import Observed


def start(config: Config) -> Observed:
    """The state before the first step."""
    replicas: list[dict[str, Any]] = []

    def replicate(module: nn.Module, _group: object, **options: Any) -> nn.Module:
        replicas.append(options)
        return module

    asked: list[Observed] = []

    def right(config: Config, _device: object) -> None:
        asked.append({**vars(DeviceQuestion.of(config)), "config": None})

    compiled = mock.patch("torch.compile", side_effect=lambda function, backend: function)
    with (
        compiled as compiler,
        mock.patch.object(state_module, "replicate", replicate),
        # What a processor computes rightly differs from one to the next: what is asked of it does not.
        mock.patch.object(state_module, "refuse_wrong_arithmetic", right),
    ):
        state = initial_state(config, (0.5, 1.0, 1.5, 2.0), CPU)
    calls: list[int] = []
    state.model.backbone.middle_block.resnet_1.register_forward_pre_hook(lambda *_: calls.append(1))
    batch = points()
    state.model(batch.x, batch.r_B, batch.t_B).prediction.sum().backward()
    return {
        "asked of the device": asked,
        "weights": digest(*state.model.state_dict().values()),
        "second head": state.model.velocity_head is not None,
        "recomputed": len(calls),
        "compiled": [call.kwargs["backend"] for call in compiler.call_args_list],
        "replica": replicas,
        "objective": vars(state.net.settings),
        "channel weights": state.channel_weights_C,
        "decay": state.ema.decay,
        "guard": (vars(state.guard.initial), state.guard.armed, state.guard.start),
    }


def network(config: Config) -> Observed:
    """The network on fixed points, and what each of its parts makes of the same numbers."""
    net = randomised_copy(build_unet(config.unet, v_head=True, seed=0), 0)
    batch = points()
    features = torch.randn(2, net.backbone.conv_in.conv.out_channels, 2, 2, 2, generator=torch.Generator())
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            narrow = digest(net.get_submodule(net.told[0])(batch.t_B).float())
        return {
            "embedding in bf16": narrow,
            **{part: digest(net.get_submodule(part)(batch.t_B)) for part in net.told},
            "second head": digest(net.velocity_head(features)),
            "output": digest(net(batch.x, batch.r_B, batch.t_B).prediction),
        }


def own_network(config: Config) -> Observed:
    """A network that a user's own code builds, and what a run notes of it."""
    net = build_net(config)
    return {
        "weights": digest(*net.state_dict().values()),
        "blocks": list(blocks_of(net)),
        "parameters": parameter_count(config),
        "noted": code_facts(config),
    }


def begun_elsewhere(config: Config) -> Observed:
    """Which weights of another run a training starts from, and how the settings of the two differ."""
    start = find_start(config)
    return {"start": start, "told": [] if start is None else other_meaning(start, config)}


def draw(config: Config) -> Observed:
    """One micro-batch of the third step."""
    source = BatchSource(latents(), config, CPU)
    batch = source.draw(2, 1, 3)
    times = {"r": digest(batch.r_B), "t": digest(batch.t_B), "fm": (batch.r_B == batch.t_B).tolist()}
    shown = {"data": digest(batch.x), "noise": digest(batch.e), "mask": batch.mask is not None and digest(batch.mask)}
    return {"cut": source.micro_batches(), **shown, **times}


def optimiser(config: Config) -> Observed:
    """Two updates of three weights."""
    weights = nn.Linear(3, 1, bias=False)
    weights.weight.data = torch.tensor([[0.3, -0.2, 0.1]])
    built = build_optimiser(weights, config.training)
    for factor in (1.0, -3.0):
        weights.weight.grad = factor * torch.tensor([[1e-4, 0.5, 2.0]])
        built.step()
    return {"kind": type(built).__name__, "weights": weights.weight.tolist()}


def objective(config: Config) -> Observed:
    """The objective on a network that is not zero, and what a step records of its weights."""
    settings = objective_settings(config.meanflow)
    net = randomised_copy(build_unet(ONE_LEVEL.unet, v_head=config.meanflow.tangent == "v_head", seed=0), 0)
    found = meanflow_objective(net, points(), settings)
    return {
        "terms": {name: digest(term.loss_B) for name, term in found.terms.items()},
        "u": digest(found.u),
        "tangent": digest(found.tangent),
        "dudt": digest(found.derivative.dudt),
        "weight": digest(found.weighting.weight_TB),
        "potential": digest(found.potential_B),
        "saturated": measure(found, points(), settings)["saturated"],
    }


def narrow(config: Config) -> Observed:
    """What is evaluated for du/dt while the network's passes are in bf16."""
    net = randomised_copy(build_unet(ONE_LEVEL.unet, v_head=config.meanflow.tangent == "v_head", seed=0), 0)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        found = meanflow_objective(net, points(), objective_settings(config.meanflow))
    return {"tangent in bf16": digest(found.tangent), "dudt in bf16": digest(found.derivative.dudt)}


def step(config: Config) -> Observed:
    """The fourth optimiser step, on a network that is not zero: its columns by stage, and what it leaves."""
    state = initial_state(config, (1.0,) * 4, CPU)
    state.model.load_state_dict(randomised_copy(state.model, 0).state_dict())
    state.step = 3
    record = train_step(state, BatchSource(latents(), config, CPU), config)
    stages: dict[str, object] = {}
    for column in COLUMNS:
        stages[column.stage] = (stages.get(column.stage), record.row[column.name])
    return {
        **stages,
        "clipped": record.row["clip_frac"],
        "blocks": sorted(record.block_norms),
        "checks": record.checks,
        "weights": digest(*state.model.parameters()),
        "average": digest(*state.ema.shadow.values()),
        "note": note(record, config),
    }


def repeated(config: Config) -> Observed:
    """A step with a new alarm: it is run again where monitors are on, and parts from itself by a ten-thousandth."""
    state, runs = initial_state(config, (1.0,) * 4, CPU), 0
    original = step_module.backward

    def backward(*given: Any) -> Any:
        nonlocal runs
        found, runs = original(*given), runs + 1
        found.readings["raw_total"] *= 1 + 1e-4 * runs
        return found

    def alarm(_: object) -> Verdict:
        return DivergenceGuard(10.0, 100.0).observe(RawLosses(float("nan")))

    with mock.patch.object(step_module, "backward", backward), mock.patch.object(state.guard, "observe", alarm):
        record = train_step(state, BatchSource(latents(), config, CPU), config)
    return {"runs": runs, "verdict": record.verdict.level}


def watched_live(config: Config) -> Observed:
    """What the monitor says of a row that breaks laws, and of a half-moved average; which losses a checkpoint has."""
    quiet = {
        "stale": 0,
        "recorded": 1,
        "counted": 1,
        "differing": (0,),
        "moments": {},
        "norm": 2.0,
        "clipped_norm": 0.5,
    }
    checks = StepChecks(coverage=Coverage(1, 1, 0, 0), average_updates=1.0, **quiet)
    monitor = Monitor(config, LatentMoments((0.0,) * 8, (1.0,) * 8))
    told = monitor.judge(row_of(0, lr=0.5), Verdict(), None)
    with mock.patch.object(step_writer, "rows_from", return_value=[]) as rows:
        writer = StepWriter(RunFolder(Path()), config, mock.Mock(), mock.Mock(), mock.Mock(), monitor, 50)
    recent = (rows.call_args.args[1], writer._recent.maxlen)
    return {"told": told, "silent faults": list(check_readings(config, checks)), "recent": recent}


def saved(config: Config) -> Observed:
    """After which of six steps a training saves and samples."""
    writer, done = mock.Mock(), []
    state = mock.Mock(step=0)
    training = loop._Training(state, mock.Mock(), mock.Mock(), writer, config, 6, mock.Mock(), mock.Mock())
    for state.step in range(1, 7):
        writer.reset_mock()
        writer.record.return_value = []
        training._write(mock.Mock(verdict=Verdict()), None, asked=False)
        done.append([name for name, *_ in writer.method_calls])
    return {"written": done}


def sampled(config: Config) -> Observed:
    """Two samples in four steps, the last of which would begin below a higher clamp."""
    net = randomised_copy(build_unet(ONE_LEVEL.unet, v_head=False, seed=0), 0)
    return {"samples": digest(draw_latents(net, config, SHAPE, steps=4, count=2, seed=5, device=CPU))}
