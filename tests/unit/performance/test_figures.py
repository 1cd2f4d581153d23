"""Measured figures: kept, merged, refused and shown."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from unittest.mock import Mock

import pytest
import torch

from neuromf.errors import InputError
from tools.marked_block import marks, replace_block
from tools.performance.figures import Figure, read, read_all, store
from tools.performance.machine import Machine, describe_machine
from tools.performance.memory import peak_bytes
from tools.performance.table import BLOCK, README, table
from tools.performance.timing import ratio, side_by_side

CPU = torch.device("cpu")
MACHINE = Machine("cpu", "a processor", cores=2, threads=2, memory_gib=8.0, torch="2.13.0", python="3.11.7")


def test_figures_of_two_commands_stand_in_one_file(tmp_path):
    """A second command adds its figures and replaces those of the same name."""
    store(MACHINE, "first", [Figure("a", 1.0, "s"), Figure("b", 2.0)], tmp_path)
    path = store(MACHINE, "second", [Figure("b", 3.0, bar=4.0)], tmp_path)
    kept = read(path)
    assert (kept.machine, kept.commands) == (MACHINE, ("first", "second"))
    assert kept.figures == (Figure("a", 1.0, "s"), Figure("b", 3.0, bar=4.0))


def test_figures_of_another_machine_are_not_mixed_in(tmp_path):
    """What another machine of the same kind measured is dropped, for a table has one head."""
    store(MACHINE, "first", [Figure("a", 1.0)], tmp_path)
    path = store(replace(MACHINE, cores=64), "second", [Figure("b", 2.0)], tmp_path)
    assert [figure.name for figure in read(path).figures] == ["b"]


def test_processors_with_other_instructions_are_other_machines(tmp_path, monkeypatch):
    """One name, AVX2 here and AVX512 there: a file each, and neither drops the other's figures."""
    for capability in ("AVX2", "AVX512"):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", Mock(return_value=capability))
        store(describe_machine(CPU), "first", [Figure(capability, 1.0)], tmp_path)
    assert [[figure.name for figure in found.figures] for found in read_all(tmp_path)] == [["AVX2"], ["AVX512"]]


@pytest.mark.parametrize(("value", "held"), [(1.0, True), (1.1, True), (1.2, False), (math.nan, False)])
def test_a_bar_is_held_up_to_itself_and_never_by_nan(value, held):
    """At most the bar; NaN is above every bar."""
    assert Figure("a", value, bar=1.1).held is held


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"machine": {}, "commands": [], "figures": []}', "\x00"])
def test_a_file_without_measurement_is_named(tmp_path, content):
    """A broken file is refused with its path and what to do."""
    path = tmp_path / "cpu.json"
    path.write_text(content)
    with pytest.raises(InputError, match="holds no measurement") as caught:
        read(path)
    assert caught.value.file == str(path)


def test_the_readme_shows_what_is_stored():
    """The README's performance table is the one that the stored measurements give."""
    text = README.read_text()
    begin, end = marks(BLOCK)
    assert text.count(begin) == text.count(end) == 1
    assert read_all()
    assert replace_block(text, BLOCK, table(read_all())) == text


def test_times_are_taken_in_turn():
    """Each call runs once a round after the warm-up, and a ratio is taken within rounds."""
    order: list[str] = []
    times = side_by_side({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, CPU, warm_up=1)
    assert order == ["a", "b"] * 4
    assert [len(values) for values in times.values()] == [3, 3]
    assert ratio({"a": [2.0, 30.0, 4.0], "b": [1.0, 10.0, 2.0]}, "a", "b") == 2.0


def test_peak_memory_counts_what_lives_at_once():
    """Two tensors that live together count both, two that follow each other one."""
    size, nothing = 1 << 20, torch.nn.Identity()

    def together():
        first, second = torch.zeros(size), torch.zeros(size)
        return first.sum() + second.sum()

    def in_turn():
        return torch.zeros(size).sum() + torch.zeros(size).sum()

    assert peak_bytes(together, nothing, CPU) == pytest.approx(8 * size, rel=0.01)
    assert peak_bytes(in_turn, nothing, CPU) == pytest.approx(4 * size, rel=0.01)


def test_gradients_of_an_earlier_pass_are_no_credit():
    """The pass that is measured finds no gradients to free, or they would be taken off its peak."""
    net, x, held = torch.nn.Linear(512, 512, bias=False), torch.ones(1, 512), []

    def step():
        held.append(net.weight.grad is not None)
        net.zero_grad(set_to_none=True)
        net(x).sum().backward()

    assert peak_bytes(step, net, CPU) == pytest.approx(net.weight.nbytes, rel=0.02)
    assert peak_bytes(step, net, CPU) == pytest.approx(net.weight.nbytes, rel=0.02)
    assert held == [False, False, True, False]


def test_the_machine_is_described():
    """Name, cores, memory and versions of this machine are found, and fit into JSON."""
    machine = describe_machine(CPU)
    assert machine.kind.startswith("cpu-")
    assert machine.name
    assert machine.cores >= 1
    assert machine.memory_gib > 0.1
    assert json.loads(json.dumps(vars(machine)))["torch"] == torch.__version__
