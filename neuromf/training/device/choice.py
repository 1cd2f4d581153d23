"""The device a command computes on."""

from __future__ import annotations

import torch

from neuromf.errors import InputError
from neuromf.training.device.facts import refuse_broken_promise, seen_by_torch

DRAWN_AHEAD = {"cuda": 2, "cpu": 0}
"""Processes that draw batches for each process that trains, by kind of device, unless --workers says otherwise."""


def choose_device(name: str | None, *, deterministic: bool = True) -> torch.device:
    """The named device, or CUDA when there is one.

    Args:
        name: `cpu`, `cuda` or `cuda:N`.
        deterministic: let CUDA use only kernels that repeat themselves bit for bit, and raise where there is none.

    Raises:
        InputError: the name is none of torch's, or the machine has no such device; or it has one that cannot be used,
            which is no reason to compute on the CPU unasked.
    """
    _make_exact(deterministic)
    wanted = ("cuda" if torch.cuda.is_available() else "cpu") if name is None else name
    if wanted.partition(":")[0] not in ("cpu", "cuda"):
        problem = f"device '{wanted}' is neither cpu nor cuda"
        raise InputError(problem, remedy="use cpu, or cuda on a machine that has one", key="--device")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        problem = f"device '{wanted}' is not to be had ({said[0].rstrip('.')}): {seen_by_torch()}"
        remedy = "use cpu, or cuda on a machine that has one"
        raise InputError(problem, remedy=remedy, key="--device") from error
    return device


def training_device(name: str | None, gpus: int, *, deterministic: bool) -> torch.device:
    """The device of a training; the CPU where it was asked for, or where no GPU was promised.

    Args:
        name: as of `choose_device`.
        gpus: `training.gpus`.
        deterministic: as of `choose_device`.

    Raises:
        InputError: as `choose_device`, or a GPU was promised and none can be used.
    """
    device = choose_device(name, deterministic=deterministic)
    if name is None:
        refuse_broken_promise(gpus, device)
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
