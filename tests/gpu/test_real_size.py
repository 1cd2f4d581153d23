"""The network of a real run on a GPU; on a CPU the same tests on a small one."""

from __future__ import annotations

import math
import statistics
from contextlib import contextmanager, nullcontext

import pytest
import torch

from neuromf.config import Config, load_config
from neuromf.flow.jvp import exact_derivative
from neuromf.flow.path import interpolate
from neuromf.monitor.checks.launch_checks import first_loss_reading
from neuromf.monitor.checks.probes import randomised_copy, raw_field
from neuromf.monitor.checks.runtime_checks import LawLog, step_readings
from neuromf.nets.unet import build_unet
from neuromf.training.batches.source import BatchSource
from neuromf.training.device.choice import choose_device
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tools.performance.figures import FOLDER, Figure, read
from tools.performance.forecast import forecast
from tools.performance.machine import describe_machine
from tools.performance.step_cost import memory_figures, step_times, time_figures
from tools.performance.throughput import largest_batch, measure_throughput, one_device
from tools.performance.timing import side_by_side
from tools.performance.workload import CPU_SETTING, build_workload, steps

COMMAND = "python -m pytest -m gpu tests/gpu --store"
SMALL = pytest.param("cpu", CPU_SETTING, 4, id="cpu-small")
REAL = pytest.param("cuda", (), 32, id="cuda-real", marks=pytest.mark.gpu)
REAL_BF16 = pytest.param("cuda", ("training.precision=bf16",), 32, id="cuda-real-bf16", marks=pytest.mark.gpu)
SIZES = pytest.mark.parametrize(("device", "overrides", "largest"), [SMALL, REAL, REAL_BF16])
SLOWER = 1.3
"""Times the stored seconds from which a device of the same kind has lost something; an H200's clocks move by 10 %."""


def configured(overrides: tuple[str, ...], size: int) -> Config:
    return one_device(load_config(["recommended"], list(overrides)), size)


def smooth_latents(config: Config) -> torch.Tensor:
    """Four latents of unit deviation."""
    coarse = torch.randn((4, 4, 4, 4, 4), generator=torch.Generator().manual_seed(0))
    latents = torch.nn.functional.interpolate(coarse, config.latent_shape[1:], mode="trilinear")
    return latents / latents.std(dim=(0, 2, 3, 4), keepdim=True)


def run_steps(config: Config, device: torch.device, count: int):
    """Rows of the first steps, with what they were drawn from."""
    source = BatchSource(smooth_latents(config), config, device)
    state = initial_state(config, (1.0,) * 4, device)
    return source, [train_step(state, source, config).row for _ in range(count)]


def test_the_network_of_a_real_run_has_its_167_million_parameters():
    """`recommended` is the network that the numbers of a GPU are about."""
    with torch.device("meta"):
        net = build_unet(load_config(["recommended"]).unet, v_head=False, seed=0)
    assert sum(parameter.numel() for parameter in net.parameters()) == 166_684_420


@SIZES
def test_laws_hold_in_some_tens_of_steps(device, overrides, largest):
    """The loss at the start is its closed form, every law of a step holds, and the raw loss falls."""
    where = choose_device(device)
    config = configured(overrides, min(largest, 8))
    source, rows = run_steps(config, where, 30 if where.type == "cuda" else 4)
    log = LawLog()
    log.add([first_loss_reading(config, rows[0], [source.draw(0, 0, min(largest, 8))])])
    for row in rows:
        log.add(step_readings(config, row))
    assert [law_id for law_id, finding in log.readings.items() if not finding.passed] == []
    assert all(math.isfinite(float(row["raw_total"] or math.nan)) for row in rows)


@SIZES
def test_a_rerun_repeats_every_number(device, overrides, largest):
    """Three steps taken twice write the same rows."""
    config, where = configured(overrides, min(largest, 4)), choose_device(device)
    first, second = (run_steps(config, where, 3)[1] for _ in range(2))
    assert first == second


@SIZES
def test_a_resumed_run_repeats_every_number(device, overrides, largest, tmp_path):
    """Two steps, the second of them in a run that was resumed, write the same trace."""
    config, where = configured(overrides, min(largest, 2)), choose_device(device)
    traces = []
    for name, pauses in (("whole", (2,)), ("resumed", (1, 2))):
        run = create_run(tmp_path / name, config, "")
        for pause in pauses:
            train(config, smooth_latents(config), run, device=where, resume=pause != pauses[0], max_steps=pause)
        traces.append(run.trace.read_bytes())
    assert traces[0] == traces[1]
    assert traces[0].count(b"\n") == 3


@SIZES
def test_the_float32_island_agrees_with_float64(device, overrides, largest):
    """The derivative of the randomised network is within 1e-3 of the float64 one, under the run's own precision."""
    config, where = configured(overrides, 1), choose_device(device)
    source = run_steps(config, where, 0)[0]
    net = randomised_copy(build_unet(config.unet, v_head=False, seed=0), 0).to(where)
    batch = source.draw(0, 0, 1)
    found = {}
    for dtype in (torch.float32, torch.float64):
        x, e, r, t = (getattr(batch, name).to(dtype) for name in ("x", "e", "r_B", "t_B"))
        with torch.autocast(where.type, torch.bfloat16, enabled=config.training.precision == "bf16"):
            found[dtype] = exact_derivative(raw_field(net.to(dtype)), interpolate(x, e, t), 0.4 * r, t, e - x).dudt
    exact = found[torch.float64]
    error = float((found[torch.float32].double() - exact).norm() / exact.norm())
    # float32 has 6e-8, this depth loses two to three digits (measured 4e-6 on the CPU), TF32 would lose three more.
    assert error < 1e-3


@SIZES
def test_the_cost_of_a_step_and_the_forecast(device, overrides, largest, measured, capsys):
    """Throughput, utilisation and memory are measured and, on a GPU, held to the bars and to what is stored."""
    where = choose_device(device, deterministic=False)
    config = load_config(["recommended"], list(overrides))
    cuda = where.type == "cuda"
    size = largest_batch(config, where, largest) if cuda else largest
    found = measure_throughput(config, size, where, rounds=20 if cuda else 2)
    machine = describe_machine(where)
    with capsys.disabled():
        print(f"\n{forecast(config, found, machine).sentence}")
    assert 0 < found.utilisation < 1
    name = f"recommended, {config.training.precision}"
    if not cuda:
        return  # the ratios are the benchmark's, and seconds of an unknown processor say nothing
    workload = build_workload(config, size, where)
    figures = [*time_figures(step_times(workload, 10, where), where), *memory_figures(workload, where)]
    kept = FOLDER / f"{machine.kind}.json"
    before = {figure.name: figure.value for figure in read(kept).figures} if kept.is_file() else {}
    figures = [*found.figures(name), *(_named(figure, config.training.precision) for figure in figures)]
    measured(figures, where, COMMAND)
    speed = next(figure for figure in figures if figure.unit == "samples/s")
    assert speed.value >= before.get(speed.name, 0.0) / SLOWER


@contextmanager
def tf32():
    """Products of float32 numbers by tensor cores in TF32, where there are any."""
    backends = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = True
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


def derivative(workload, dtype):
    batch, net = workload.meanflow, workload.net.to(dtype)
    x, e, r, t = (getattr(batch, name)[:1].to(dtype) for name in ("x", "e", "r_B", "t_B"))
    dudt = exact_derivative(raw_field(net), interpolate(x, e, t), r, t, e - x).dudt.double()
    workload.net.float()
    return dudt


@SIZES
def test_what_a_derivative_in_tf32_would_save_and_lose(device, overrides, largest, measured):
    """Time and error without a bar: by these numbers somebody decides whether float32 is worth its price there."""
    where = choose_device(device, deterministic=False)
    config = load_config(["recommended"], list(overrides))
    cuda = where.type == "cuda"
    workload = build_workload(config, largest_batch(config, where, largest) if cuda else largest, where)
    exact = derivative(workload, torch.float64)
    found = {}
    for name, products in (("float32", nullcontext), ("TF32", tf32)):
        with products():
            error = float((derivative(workload, torch.float32) - exact).norm() / exact.norm())
            step = {"step": steps(workload)["improved MeanFlow"]}
            seconds = side_by_side(step, 5 if cuda else 1, where)["step"]
        found[name] = error
        what = f"{config.training.precision}: improved MeanFlow, derivative in {name}"
        figures = [Figure(f"{what}, seconds a step", statistics.median(seconds), "s"), Figure(f"{what}, error", error)]
        if cuda:  # a CPU has no TF32
            measured(figures, where, COMMAND)
    assert found["float32"] < 1e-3
    assert found["float32"] <= found["TF32"] < 0.1


def _named(figure, precision):
    return type(figure)(f"{precision}: {figure.name}", figure.value, figure.unit, figure.bar)
