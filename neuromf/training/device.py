"""The device a command computes on."""

from __future__ import annotations

import torch

from neuromf.errors import InputError


def choose_device(name: str | None, *, deterministic: bool = True) -> torch.device:
    """The named device, or CUDA when there is one.

    Args:
        name: `cpu`, `cuda` or `cuda:N`.
        deterministic: let CUDA use only kernels that repeat themselves bit for bit, and raise where there is none.

    Raises:
        InputError: the name is none of torch's, or the machine has no such device.
    """
    _make_exact(deterministic)
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = name.partition(":")[0]
    try:
        if kind not in ("cpu", "cuda"):
            raise RuntimeError("neither cpu nor cuda")
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        problem = f"device '{name}' is not to be had ({str(error).splitlines()[0]})"
        raise InputError(problem, remedy="use cpu, or cuda on a machine that has one", key="--device") from error
    return device


def _make_exact(deterministic: bool) -> None:
    """Float32 that is float32, and kernels that repeat themselves where that is asked.

    TF32 convolutions keep ten bits of mantissa: the derivative's float32 island (law PREC-001) would be none.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.deterministic = deterministic
    if torch.cuda.is_available():
        torch.use_deterministic_algorithms(deterministic)
