"""GPUs that a run may be planned for: their memory and their rates, from the makers' data sheets."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.flow.settings import NumberType

GIB = 2**30
RESERVED_GIB = 2.0
"""Of a GPU's memory: CUDA's context, workspaces of cuDNN and cuBLAS, what the allocator cannot use. An estimate."""
SUSTAINED: dict[NumberType, float] = {"fp32": 0.6, "tf32": 0.35, "bf16": 0.3}
"""Share of a data sheet's rate that three-dimensional convolutions are taken to reach. An assumption: nothing was
measured on a GPU yet."""


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Attributes:
        name: what it is called.
        memory_gib: memory that torch sees, GiB.
        rates: operations a second of a dense matrix product, by number type.
    """

    name: str
    memory_gib: float
    rates: dict[NumberType, float]

    def seconds(self, flops: float, precision: NumberType) -> float:
        """Time of that many operations, at the share of the rate that is assumed."""
        return flops / (SUSTAINED[precision] * self.rates[precision])


_AMPERE: dict[NumberType, float] = {"fp32": 19.5e12, "tf32": 156e12, "bf16": 312e12}
_HOPPER: dict[NumberType, float] = {"fp32": 67e12, "tf32": 494e12, "bf16": 989e12}
GPUS = {
    "a100-40": Gpu("A100, 40 GB", 39.4, _AMPERE),
    "a100-80": Gpu("A100, 80 GB", 79.2, _AMPERE),
    "h100": Gpu("H100 SXM, 80 GB", 79.1, _HOPPER),
    "h200": Gpu("H200, 141 GB", 139.8, _HOPPER),
}
"""NVIDIA's data sheets of the A100 (2021), H100 (2022) and H200 (2023), tensor cores without sparsity."""
