"""The device a command computes on."""

from __future__ import annotations

import torch

from neuromf.errors import InputError


def choose_device(name: str | None) -> torch.device:
    """The named device, or CUDA when there is one.

    Raises:
        InputError: the name is none of torch's, or the machine has no such device.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        problem = f"device '{name}' is not to be had ({str(error).splitlines()[0]})"
        raise InputError(problem, remedy="use cpu, or cuda on a machine that has one", key="--device") from error
    return device
