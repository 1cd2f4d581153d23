"""TF32 without a tensor core: float32 products of factors that keep ten bits of mantissa."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

PRODUCTS = tuple(getattr(torch.ops.aten, name).default for name in ("convolution", "mm", "addmm", "bmm"))


class Tf32(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Products as tensor cores take them in TF32: factors with ten bits of mantissa, the sum in float32."""

    def __torch_dispatch__(self, operator: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:  # noqa: ANN401
        """Round the factors of a product; leave everything else."""
        if operator in PRODUCTS:
            arguments = tuple(rounded_to_tf32(value) for value in arguments)
        return operator(*arguments, **(named or {}))


def rounded_to_tf32(value: object) -> object:
    """A float32 tensor rounded to ten bits of mantissa, half away from zero; anything else as it is."""
    if not isinstance(value, torch.Tensor) or value.dtype is not torch.float32:
        return value
    half, kept = 1 << 12, -(1 << 13)
    return ((value.contiguous().view(torch.int32) + half) & kept).view(torch.float32)
