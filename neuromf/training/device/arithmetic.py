"""Whether a device's arithmetic is right at a run's own sizes, asked before the run trains with it.

Its own network is asked of every device (law PREC-003), the bfloat16 convolutions of a processor one by one beside it.

Measured with torch 2.13 on an AMD EPYC with AVX512_BF16: the weight's gradient of a 3 x 3 x 3 convolution on two layers
of cells, and with stride 2 on one, is partly never written. It is whatever the memory held before: off by 100 % or
more, NaN when a NaN was freed there. Output, input's gradient and every other depth are right to 0.3 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import conv3d

from neuromf.config.schema import Config
from neuromf.errors import UntrustedArithmeticError
from neuromf.monitor.checks.probes import relative_distance
from neuromf.training.device.facts import processor_name
from neuromf.training.device.float32_agreement import device_reading

BOUND = 2.0**-6
"""Relative error, in the Euclidean norm, from which a convolution is wrong. Rounding two factors and a result to
bfloat16, each off by 2^-9 at most, makes 2^-9 sqrt(3) = 0.34 %; measured 0.25 to 0.35 %, and 94 % or more where the
gradient is not written."""
WIDEST = 8
"""Cells of an axis from which it is not made longer for the probe: kernels differ at the edges and in short axes."""
PARTS = ("output", "input's gradient", "weight's gradient")


@dataclass(frozen=True, order=True)
class Convolution:
    """A 3 x 3 x 3 convolution with a margin of one cell.

    Attributes:
        inputs: channels.
        outputs: channels.
        size: cells of its input, D, H, W.
        stride: of the kernel.
    """

    inputs: int
    outputs: int
    size: tuple[int, int, int]
    stride: int = 1

    def __str__(self) -> str:
        cells = " x ".join(map(str, self.size))
        return f"{self.inputs} to {self.outputs} channels on {cells} cells" + (" with stride 2" * (self.stride == 2))


def convolutions(config: Config) -> list[Convolution]:
    """What stands for each level of the network: a convolution, one behind a skip connection, one that halves it."""
    _, *latent = config.latent_shape
    found = []
    for level, width in enumerate(config.unet.channels):
        depth, height, breadth = (min(WIDEST, max(1, cells // 2**level)) for cells in latent)
        size = (depth, height, breadth)
        found += [Convolution(width, width, size), Convolution(2 * width, width, size)]
        if level + 1 < len(config.unet.channels):
            found.append(Convolution(width, width, size, stride=2))
    return list(dict.fromkeys(found))


def bfloat16_fault(config: Config, device: torch.device) -> str:
    """What this processor computes wrongly of a training in bfloat16, in a clause; empty where nothing is."""
    if device.type != "cpu" or config.training.precision != "bf16":
        return ""
    return next((fault for convolution in convolutions(config) if (fault := probe(convolution))), "")


def arithmetic_fault(config: Config, device: torch.device) -> str:
    """What the device computes wrongly of this training, in a clause; empty where nothing is."""
    if fault := bfloat16_fault(config, device):
        return fault
    reading = device_reading(config, device)
    if reading is None or reading.finding.passed:
        return ""
    name = processor_name() if device.type == "cpu" else torch.cuda.get_device_name(device)
    found = reading.finding
    return f"{name} computes the run's network wrongly: {found.value}, at most {found.bound} ({reading.law_id})"


def refuse_wrong_arithmetic(config: Config, device: torch.device) -> None:
    """Stop a training whose gradients would be wrong.

    Raises:
        UntrustedArithmeticError: naming the device and what was found.
    """
    if fault := arithmetic_fault(config, device):
        narrow = config.training.precision == "bf16"
        instead = "train on another GPU" if device.type == "cuda" else "train on a GPU"
        remedy = f"set training.precision=fp32, or {instead}" if narrow else instead
        raise UntrustedArithmeticError(fault, remedy=remedy, key="training.precision")


@cache
def probe(convolution: Convolution) -> str:
    """What is wrong with a convolution in bfloat16 on this processor, in a clause; empty where nothing is."""
    # In this order, so that no NaN stays behind.
    narrow, exact = _passes(convolution, narrow=True), _passes(convolution, narrow=False)
    for name, found, expected in zip(PARTS, narrow, exact, strict=True):
        error = relative_distance(found, expected)
        if not error <= BOUND:
            much = f"off by {100 * error:.3g} %" if math.isfinite(error) else "not finite"
            return (
                f"bfloat16 cannot be trained with on this processor ({processor_name()}): the {name} of a convolution "
                f"from {convolution} is {much}, where rounding explains 0.3 %"
            )
    return ""


def _passes(convolution: Convolution, *, narrow: bool) -> list[Tensor]:
    """Output, gradient of the input and of the weight; in bfloat16 in memory that held NaN before."""
    generator = torch.Generator().manual_seed(0)  # the global one is the caller's
    shape = (convolution.outputs, convolution.inputs, 3, 3, 3)
    weight = torch.randn(shape, generator=generator).requires_grad_()
    cells = torch.randn((2, convolution.inputs, *convolution.size), generator=generator).requires_grad_()
    with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=narrow, cache_enabled=False):
        _leave_behind(math.nan if narrow else 0.0)
        output = convolve(cells, weight, convolution.stride)
    arriving = torch.randn(output.shape, generator=generator).to(output.dtype)
    _leave_behind(math.nan if narrow else 0.0)
    gradients = torch.autograd.grad(output, (cells, weight), arriving)
    return [part.detach().double() for part in (output, *gradients)]


def convolve(cells: Tensor, weight: Tensor, stride: int) -> Tensor:
    """The operator that is probed, (B, C, D, H, W) to (B, C', D', H', W')."""
    return conv3d(cells, weight, stride=stride, padding=1)


def _leave_behind(value: float) -> None:
    """Fill and free blocks of 64 bytes to 1 MiB, so that what is never written holds `value`."""
    blocks = [torch.full((2**power,), value) for power in range(4, 19) for _ in range(2)]
    del blocks
