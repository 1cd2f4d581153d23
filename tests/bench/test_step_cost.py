"""What a step costs beside plain flow matching, and what the monitors add."""

import pytest
import torch

from tools.performance.guard_cost import guard_cost
from tools.performance.monitor_cost import monitor_cost
from tools.performance.recording_cost import recording_cost
from tools.performance.step_cost import memory_figures, step_times, time_figures
from tools.performance.whole_step import MICRO_BATCHES, prices
from tools.performance.workload import cpu_workload

pytestmark = pytest.mark.bench
CPU = torch.device("cpu")
ROUNDS = 12
COMMAND = "nox -s bench -- --store"


def test_an_exact_step_costs_little_more_than_flow_matching(benchmark, measured):
    """Exact MeanFlow on a quarter of the samples takes at most 1.35 of the time of a flow-matching step."""
    workload = cpu_workload()
    times = benchmark.pedantic(step_times, args=(workload, ROUNDS, CPU), rounds=1)
    benchmark.extra_info["seconds"] = times
    measured(time_figures(times, CPU), CPU, COMMAND)


@pytest.mark.parametrize("micro_batch", MICRO_BATCHES)
def test_a_whole_step_costs_little_more_than_one_of_flow_matching(measured, micro_batch):
    """Whatever the micro-batch, a whole optimiser step is within its bar: draw, passes, update, average, record."""
    measured([price.figure() for price in prices(micro_batch, ROUNDS // 2, CPU)], CPU, COMMAND)


def test_the_derivative_needs_hardly_any_memory(measured):
    """Peak memory is at most 1.1 of flow matching, and half of it where layers are recomputed."""
    measured(memory_figures(cpu_workload(), CPU), CPU, COMMAND)


def test_a_recorded_step_takes_at_most_a_twentieth_longer(tmp_path, measured):
    """With trace, summary, TensorBoard, every monitor, and weights measured each ten steps, 50 ms become 52.5."""
    measured(recording_cost(tmp_path, 160, CPU), CPU, COMMAND)


def test_monitors_take_at_most_a_hundredth_of_a_step(benchmark, measured):
    """With every monitor on, a step of 50 ms takes at most one per cent longer."""
    cost = benchmark.pedantic(monitor_cost, args=(160, CPU), rounds=1)
    measured(cost.figures(), CPU, COMMAND)


def test_a_guard_takes_at_most_a_fiftieth_of_a_step_of_any_loop(tmp_path, measured):
    """With its record, its rules and the silent-fault checks, of a step of 50 ms or more."""
    measured(guard_cost(tmp_path, 210, CPU), CPU, COMMAND)
