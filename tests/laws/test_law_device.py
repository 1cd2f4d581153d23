"""A device that computes the run's own network unlike float32 is refused before the run trains on it (law PREC-003)."""

from __future__ import annotations

import math

import pytest
import torch

from neuromf.config import load_config
from neuromf.errors import UntrustedArithmeticError
from neuromf.training.device import arithmetic, float32_agreement
from neuromf.training.device.arithmetic import arithmetic_fault, refuse_wrong_arithmetic
from neuromf.training.device.float32_agreement import DeviceQuestion, Passes, device_errors, device_reading, run_passes
from tests.support.tiny_run import TINY
from tools.performance.emulated_products import tf32_products

pytestmark = pytest.mark.law("PREC-003")

CPU = torch.device("cpu")
WIDE = [*TINY, "unet.channels=[8,16,16]", "unet.attention_levels=[false,false,false]"]
BF16 = [*TINY, "training.precision=bf16"]


def config(*overrides):
    return load_config(["smoke"], list(overrides))


@pytest.fixture
def question():
    return DeviceQuestion.of(config(*BF16))


@pytest.fixture
def passes(question):
    net, points = float32_agreement.settled_network(question), float32_agreement.probe_points(question.shape(CPU))
    return lambda **kinds: run_passes(net, points, CPU, **kinds)


def test_float32_on_the_cpu_is_what_others_are_compared_with():
    """It is asked nothing, and costs nothing."""
    assert device_reading(config(*TINY), CPU) is None


def test_float32_is_far_within_its_bound_of_float64(question):
    """What rounding makes of float32 stays below a fifth of the bound, in each pass (at most 1.2e-5 on four nets)."""
    net, points = float32_agreement.settled_network(question), float32_agreement.probe_points(question.shape(CPU))
    single = run_passes(net, points, CPU, output="fp32", derivative="fp32")
    double = {name: getattr(points, name).double() for name in ("z", "r_B", "t_B", "velocity", "arriving")}
    exact = run_passes(net.double(), float32_agreement.ProbePoints(**double), CPU, output="fp32", derivative="fp32")
    for part in device_errors(single, exact, question):
        assert 0 < part.error < 8e-5 / 5, part


def test_no_pass_of_the_probe_is_of_zeros(passes):
    """Output, each gradient and du/dt are numbers that an error could be seen in."""
    found = passes(output="fp32", derivative="fp32")
    assert found.output.norm() > 0.1
    assert found.dudt.norm() > 0.1
    assert all(part.any() for part in found.gradients.values())


def test_each_parameter_of_the_network_is_compared(question, passes):
    """None is left out of the gradients."""
    names = [name for name, _ in float32_agreement.settled_network(question).named_parameters()]
    assert list(passes(output="fp32", derivative="fp32").gradients) == names


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e4])
@pytest.mark.parametrize("part", ["output", "dudt", "gradient"])
def test_a_wrong_number_in_any_pass_is_found(question, passes, part, value):
    """One wrong number in the output, in du/dt or in the gradient of one parameter breaks the law."""
    expected = passes(output="fp32", derivative="fp32")
    wrong = Passes(
        expected.output.clone(), {n: g.clone() for n, g in expected.gradients.items()}, expected.dudt.clone()
    )
    name = list(wrong.gradients)[7]
    {"output": wrong.output, "dudt": wrong.dudt, "gradient": wrong.gradients[name]}[part].view(-1)[3] = value
    reading = float32_agreement.judge("PREC-003", errors=device_errors(wrong, expected, question))
    assert not reading.finding.passed
    assert {"output": "output", "dudt": "du/dt", "gradient": name}[part] in str(reading.finding.value)


def test_a_derivative_in_tf32_is_none_in_float32(question, passes):
    """Ten bits of mantissa in the convolutions of du/dt: off by more than the bound of float32."""
    expected = passes(output="fp32", derivative="fp32")
    with tf32_products():
        found = passes(output="fp32", derivative="fp32")
    *_, derivative = device_errors(found, expected, question)
    assert not float32_agreement.judge("PREC-003", errors=[derivative]).finding.passed


def test_the_run_s_own_layers_are_asked_at_its_own_widths():
    """The grid has the run's own cells at the innermost level, up to four on a CPU and two on a GPU."""
    asked, small = (DeviceQuestion.of(config(*WIDE, f"data.shape=[{n},{n},{n}]")) for n in (96, 32))
    assert asked.config.unet.channels == (8, 16, 16)
    assert [asked.shape(torch.device(kind))[2:] for kind in ("cpu", "cuda")] == [(16, 16, 16), (8, 8, 8)]
    assert small.shape(CPU) == (2, 4, 8, 8, 8)


def test_a_gpu_that_computes_wrongly_is_refused_in_one_sentence(monkeypatch):
    """Named with what was found and the law; fp32 is no remedy where it is fp32 that is wrong."""
    wrong = float32_agreement.judge("PREC-003", errors=[("du/dt", "fp32", 8e-4)])
    monkeypatch.setattr(arithmetic, "device_reading", lambda *_: wrong)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA X")
    with pytest.raises(UntrustedArithmeticError) as caught:
        refuse_wrong_arithmetic(config(*TINY), torch.device("cuda:0"))
    assert str(caught.value).startswith(
        "training.precision: NVIDIA X computes the run's network wrongly: du/dt in fp32"
    )
    assert "PREC-003" in caught.value.problem
    assert caught.value.remedy == "train on another GPU"


def test_a_device_that_agrees_is_let_through(monkeypatch):
    """bfloat16 that rounds and does nothing else is within the bounds."""
    fine = float32_agreement.judge("PREC-003", errors=[("output", "bf16", 0.017), ("du/dt", "fp32", 3e-6)])
    monkeypatch.setattr(arithmetic, "device_reading", lambda *_: fine)
    assert arithmetic_fault(config(*TINY), torch.device("cuda:0")) == ""
