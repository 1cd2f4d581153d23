"""In which number type a block's convolutions and products are taken: float32, TF32 or bfloat16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from neuromf.flow.settings import NumberType


@contextmanager
def computed_in(kind: NumberType, device: str) -> Iterator[None]:
    """Take what the block computes in this number type, whatever it is around it.

    Args:
        kind: the number type.
        device: type of device that the block computes on.
    """
    # The cache keeps weights that were cast, without gradient where they were met in no_grad first, and is emptied at
    # the end of the outermost block alone.
    with tf32(kind == "tf32"), torch.autocast(device, torch.bfloat16, enabled=kind == "bf16", cache_enabled=False):
        yield


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Let a GPU take float32 convolutions and products in TF32 within the block, or forbid it.

    A backward pass takes the number type of the block that it runs in, not that of its forward pass.
    """
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
