"""Products in a narrow number type on a processor that has none, or a slow one: float32 numbers that are rounded."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

PRODUCTS = tuple(getattr(torch.ops.aten, name).default for name in ("convolution", "mm", "addmm", "bmm"))
FLOAT32_BITS = 23
"""Of mantissa."""
TF32_BITS, BF16_BITS = 10, 7


class RoundedProducts(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Convolutions and matrix products whose factors keep few bits of mantissa, the sum in float32.

    Args:
        bits: of mantissa that a factor keeps.
        results: whether the sum keeps as few: TF32 gives float32, bfloat16 gives bfloat16.
    """

    def __init__(self, bits: int, *, results: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bits, self.results = bits, results

    def __torch_dispatch__(self, operator: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:  # noqa: ANN401
        """Round the factors of a product; leave everything else."""
        if operator not in PRODUCTS:
            return operator(*arguments, **(named or {}))
        made = operator(*(rounded_to(value, self.bits) for value in arguments), **(named or {}))
        return tree_map(lambda value: rounded_to(value, self.bits), made) if self.results else made


def tf32_products() -> RoundedProducts:
    """As tensor cores take them in TF32."""
    return RoundedProducts(TF32_BITS, results=False)


def bf16_products() -> RoundedProducts:
    """As autocast takes them in bfloat16; what stands between two products stays float32, and may lose less."""
    return RoundedProducts(BF16_BITS, results=True)


def rounded_to(value: object, bits: int) -> object:
    """A float32 tensor rounded to so many bits of mantissa, half away from zero; anything else as it is."""
    if not isinstance(value, Tensor) or value.dtype is not torch.float32:
        return value
    dropped = FLOAT32_BITS - bits
    half, kept = 1 << (dropped - 1), -(1 << dropped)
    return ((value.contiguous().view(torch.int32) + half) & kept).view(torch.float32)
