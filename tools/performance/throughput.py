"""Samples a second of whole optimiser steps, and how near they come to what the device can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from neuromf.config import Config
from neuromf.config.load import validate
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tools.performance.figures import Figure
from tools.performance.memory import peak_bytes
from tools.performance.timing import side_by_side
from tools.performance.workload import build_workload, steps

SCANS = 4
"""Scans in the training set; draws repeat them, which costs the same as drawing others."""


@dataclass(frozen=True)
class Throughput:
    """A training on one device.

    Attributes:
        batch_size: samples of a step.
        seconds: median of a step: derivative, passes, optimiser, average, trace row.
        peak_bytes: largest memory above weights, optimiser and average.
        flow_flops: floating-point operations of the plain flow-matching step of the same batch, forward and backward.
        matmul_rate: operations a second of a square matrix product in the training's precision, in the same run.
        copy_rate: bytes a second that a copy reads and writes, in the same run.
    """

    batch_size: int
    seconds: float
    peak_bytes: int
    flow_flops: int
    matmul_rate: float
    copy_rate: float

    @property
    def samples_per_second(self) -> float:
        """Samples that a second of training takes in."""
        return self.batch_size / self.seconds

    @property
    def utilisation(self) -> float:
        """What flow matching needs over what the device multiplies in that time: the rest counts as loss."""
        return self.flow_flops / self.seconds / self.matmul_rate

    def figures(self, name: str) -> list[Figure]:
        """The figures under the name of a network."""
        return [
            Figure(f"{name}: batch", self.batch_size, "samples"),
            Figure(f"{name}: throughput", self.samples_per_second, "samples/s"),
            Figure(f"{name}: peak memory above the state", self.peak_bytes / 2**30, "GiB"),
            Figure(f"{name}: model FLOP utilisation", 100 * self.utilisation, "% of a matrix product"),
            Figure(f"{name}: matrix product", self.matmul_rate / 1e12, "TFLOP/s"),
            Figure(f"{name}: copy", self.copy_rate / 1e9, "GB/s"),
        ]


def measure_throughput(config: Config, batch_size: int, device: torch.device, rounds: int) -> Throughput:
    """Train `rounds` optimiser steps of one micro-batch and time them beside a matrix product and a copy.

    Args:
        config: network, objective and precision.
        batch_size: of the micro-batch.
        device: where.
        rounds: steps that are timed.

    Raises:
        torch.OutOfMemoryError: the batch does not fit.
    """
    config = one_device(config, batch_size)
    latents = torch.randn((SCANS, *config.latent_shape), generator=torch.Generator().manual_seed(0))
    state, source = initial_state(config, (1.0,) * 4, device), BatchSource(latents, config, device)
    product, operations = _product(device, config.training.precision)
    copied = torch.empty(2**28 if device.type == "cuda" else 2**24, device=device)
    calls: dict[str, Callable[[], object]] = {
        "step": lambda: train_step(state, source, config),
        "product": product,
        "copy": copied.clone,
    }
    times = side_by_side(calls, rounds, device, warm_up=2)
    return Throughput(
        batch_size=batch_size,
        seconds=sorted(times["step"])[rounds // 2],
        peak_bytes=peak_bytes(calls["step"], state.model, device),
        flow_flops=_flow_flops(config, batch_size, device),
        matmul_rate=operations / min(times["product"]),
        copy_rate=2 * copied.nbytes / min(times["copy"]),
    )


def one_device(config: Config, batch_size: int) -> Config:
    """`config` with one micro-batch a step on one device, on the built-in cohort."""
    tree = config.model_dump(mode="json")
    tree["data"] |= {"source": "demo", "root": None}
    tree["training"] |= {"batch_size_per_gpu": batch_size, "gpus": 1, "gradient_accumulation_steps": 1}
    return validate(tree)


def largest_batch(config: Config, device: torch.device, start: int) -> int:
    """The largest of start, start/2, start/4 ... whose step fits into memory.

    Raises:
        torch.OutOfMemoryError: not even one sample fits.
    """
    size = start
    while True:
        try:
            measure_throughput(config, size, device, rounds=1)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2
            torch.cuda.empty_cache()
        else:
            return size


def _product(device: torch.device, precision: str) -> tuple[Callable[[], object], int]:
    size = 8192 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if precision == "bf16" and device.type == "cuda" else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return (lambda: left @ right), 2 * size**3


def _flow_flops(config: Config, batch_size: int, device: torch.device) -> int:
    step = steps(build_workload(config, batch_size, device))["flow matching"]
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())
