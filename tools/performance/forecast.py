"""What a whole run would cost on A100s, from a throughput measured on the device at hand."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.config import Config, run_facts
from tools.performance.machine import Machine
from tools.performance.throughput import Throughput

A100_RATES = {"bf16": 312e12, "fp32": 19.5e12}
"""Operations a second of a matrix product, NVIDIA A100 data sheet (2021): bfloat16 tensor cores and plain float32."""
SUSTAINED = 0.8
"""Share of a data sheet's rate that a large matrix product is taken to reach."""


@dataclass(frozen=True)
class Forecast:
    """Cost of a run.

    Attributes:
        a100_hours: of all GPUs together.
        gib: memory above the state, on each GPU, at the batch that was measured.
        assumption: how the hours were come by.
    """

    a100_hours: float
    gib: float
    assumption: str

    @property
    def sentence(self) -> str:
        """The forecast in one line."""
        return f"a full run: {self.a100_hours:.3g} A100-hours, {self.gib:.1f} GiB above the state; {self.assumption}"


def forecast(config: Config, measured: Throughput, machine: Machine) -> Forecast:
    """Hours of `config`'s samples at the measured rate; of another device scaled by the matrix products of the two.

    What the ranks lose to their exchange of gradients, and what saving and sampling take, is not in it.

    Args:
        config: the whole run.
        measured: one device of it.
        machine: that device.
    """
    facts = run_facts(config)
    hours = facts.optimiser_steps * facts.effective_batch / measured.samples_per_second / 3600
    gib = measured.peak_bytes / 2**30
    if "a100" in machine.kind:
        return Forecast(hours, gib, "measured on an A100")
    rate = SUSTAINED * A100_RATES[config.training.precision]
    scale = measured.matmul_rate / rate
    products = f"{measured.matmul_rate / 1e12:.3g} over {rate / 1e12:.3g} TFLOP/s"
    told = f"scaled from {machine.name} by matrix products, {products}"
    return Forecast(hours * scale, gib, told)
