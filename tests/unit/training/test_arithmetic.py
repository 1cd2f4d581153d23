"""bfloat16 on a processor that computes it wrongly is refused before it trains, and nothing else is."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from torch.nn.functional import conv3d

from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.bisect.oracle_kinds import answer
from neuromf.config import load_config
from neuromf.errors import InputError, UntrustedArithmeticError
from neuromf.gate.judge import LaunchCandidate, judge
from neuromf.gate.smoke import run_smoke
from neuromf.training.device import arithmetic
from neuromf.training.device.arithmetic import (
    Convolution,
    bfloat16_fault,
    convolutions,
    probe,
)
from neuromf.training.step.state import initial_state

CPU = torch.device("cpu")
SMALL = Convolution(8, 8, (4, 4, 4))
BF16 = ["training.precision=bf16"]


class WrongGradient(torch.autograd.Function):
    """A convolution whose weight's gradient is wrong in bfloat16, as that of some processors is."""

    wrong = math.nan

    @staticmethod
    def forward(ctx, cells, weight, stride):
        """As it is."""
        ctx.save_for_backward(cells, weight)
        ctx.stride = stride
        ctx.narrow = torch.is_autocast_enabled("cpu")
        return conv3d(cells, weight, stride=stride, padding=1)

    @staticmethod
    def backward(ctx, arriving):
        """Right in float32; in bfloat16 one row of the weight's gradient is not."""
        cells, weight = ctx.saved_tensors
        arriving = arriving.float()
        for_cells = torch.nn.grad.conv3d_input(cells.shape, weight, arriving, ctx.stride, 1)
        for_weight = torch.nn.grad.conv3d_weight(cells, weight.shape, arriving, ctx.stride, 1)
        if ctx.narrow:
            for_weight[0, 0, 0] = WrongGradient.wrong
        return for_cells, for_weight, None


@pytest.fixture
def wrong(monkeypatch):
    """A processor that computes the weight's gradient wrongly."""
    probe.cache_clear()
    monkeypatch.setattr(arithmetic, "convolve", WrongGradient.apply)
    monkeypatch.setattr(WrongGradient, "wrong", math.nan)
    yield monkeypatch
    probe.cache_clear()


@pytest.fixture
def right(monkeypatch):
    """A processor that rounds and does nothing else."""
    probe.cache_clear()
    monkeypatch.setattr(arithmetic, "convolve", lambda cells, weight, stride: conv3d(cells, weight, None, stride, 1))
    monkeypatch.setattr(torch, "autocast", lambda *arguments, **options: torch.enable_grad())
    yield
    probe.cache_clear()


@pytest.mark.law("PREC-003")
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e4])
def test_a_wrong_gradient_is_found_whatever_it_holds(wrong, value):
    """NaN, infinity or a large number where the gradient was never written."""
    wrong.setattr(WrongGradient, "wrong", value)
    assert "weight's gradient" in probe(SMALL)


def test_an_exact_processor_passes(right):
    """Where nothing is wrong nothing is said."""
    assert bfloat16_fault(load_config(["smoke"], BF16), CPU) == ""


@pytest.mark.parametrize("size", [(4, 4, 4), (2, 2, 2)])
def test_the_probe_says_of_this_processor_what_a_longhand_gradient_says(size):
    """Whatever this processor is, the probe agrees with sums of products in float64."""
    generator = torch.Generator().manual_seed(5)
    cells = torch.randn((1, 16, *size), generator=generator)
    weight = torch.randn((16, 16, 3, 3, 3), generator=generator).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        output = conv3d(cells, weight, padding=1)
    arriving = torch.randn(output.shape, generator=generator)
    (found,) = torch.autograd.grad(output, weight, arriving.to(output.dtype))
    padded = torch.nn.functional.pad(cells.double(), (1,) * 6)
    windows = padded.unfold(2, 3, 1).unfold(3, 3, 1).unfold(4, 3, 1)
    exact = torch.einsum("bodhw,bidhwxyz->oixyz", arriving.double(), windows)
    trusted = float((found.double() - exact).norm() / exact.norm()) <= arithmetic.BOUND
    assert (probe(Convolution(16, 16, size)) == "") is trusted


def test_each_level_of_the_network_is_asked_at_its_own_size():
    """Four levels of a latent of 16 cells have 16 (asked at 8), 8, 4 and 2; a level that is halved is asked so too."""
    config = load_config(["smoke"], ["unet.channels=[8,16,32,64]", "unet.attention_levels=[false,false,false,true]"])
    asked = convolutions(config)
    assert [c.size[0] for c in asked if c.inputs == c.outputs and c.stride == 1] == [8, 8, 4, 2]
    assert [c.outputs for c in asked if c.stride == 2] == [8, 16, 32]
    assert [c.inputs for c in asked if c.inputs != c.outputs] == [16, 32, 64, 128]


def test_float32_and_a_gpu_are_not_asked(wrong):
    """The probe speaks of bfloat16 on the processor alone."""
    assert bfloat16_fault(load_config(["smoke"]), CPU) == ""
    assert bfloat16_fault(load_config(["smoke"], BF16), torch.device("cuda")) == ""


@pytest.mark.law("PREC-003")
def test_a_training_is_refused_in_one_sentence(wrong):
    """Every training starts from `initial_state`, which names the processor, the finding and the remedy."""
    with pytest.raises(InputError) as caught:
        initial_state(load_config(["smoke"], BF16), (1.0,) * 4, CPU)
    assert caught.value.key == "training.precision"
    assert arithmetic.processor_name() in caught.value.problem
    assert "training.precision=fp32" in caught.value.remedy
    assert "GPU" in caught.value.remedy


def test_the_probe_leaves_the_callers_random_numbers(right):
    """A training that is let in draws what it drew before."""
    torch.manual_seed(3)
    before = torch.get_rng_state()
    probe(SMALL)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.law("PREC-003")
def test_a_bisect_probe_that_cannot_be_trained_here_is_untestable(wrong, tiny_config, monkeypatch):
    """The machine's fault is not counted as the mixture's break."""
    from neuromf.bisect import trainings as training
    from neuromf.config.resolve import flat_config

    monkeypatch.setattr(training, "training_latents", lambda config: torch.zeros(3, *config.latent_shape))
    monkeypatch.setattr(
        "neuromf.bisect.trainings.training_latents", lambda config: torch.zeros(3, *config.latent_shape)
    )
    good = flat_config(tiny_config)
    task = Task(oracle="divergence", config={**good, "training.precision": "bf16"}, good=good, seed=0, micro_batches=4)
    outcome = answer(task)
    assert outcome.verdict is ProbeVerdict.UNTESTABLE
    assert "bfloat16" in outcome.detail


def test_the_gate_judges_such_a_machine_in_float32_and_says_so(wrong, monkeypatch):
    """`gate` gives its verdict of a bf16 recipe; its smoke training is in fp32, and verdict and screen tell why."""
    from rich.console import Console

    from neuromf.gate import console, scale

    monkeypatch.setattr(scale, "STEPS", 2)
    layers = ["smoke"]
    candidate = LaunchCandidate.of(load_config(layers, BF16), layers, BF16)
    smoke = run_smoke(candidate.config, candidate.sources)
    assert (smoke.config.training.precision, smoke.message) == ("fp32", "")
    verdict = judge(candidate, (), smoke)
    assert "in fp32 instead of bf16" in verdict.to_json()
    screen = Console(width=400, record=True)
    console.print_verdict(screen, verdict)
    assert "in fp32 instead of bf16" in screen.export_text()


def test_a_refusal_crosses_to_another_process_whole():
    """Pools of processes pickle what is raised in them; kind, sentence, file and key arrive."""
    for kind in (InputError, UntrustedArithmeticError):
        error = pickle.loads(pickle.dumps(kind("a", remedy="b", file="f", key="k")))  # noqa: S301
        assert type(error) is kind
        assert (str(error), error.problem, error.remedy, error.file, error.key) == ("f: k: a; b.", "a", "b", "f", "k")
