"""Weights from a file of safetensors, which holds numbers alone and runs no code."""

from __future__ import annotations

from safetensors.torch import load_file
from torch import device, nn


def with_weights(module: nn.Module, file: str, place: device | str) -> nn.Module:
    """The module with the weights of a file, frozen, on a device.

    Args:
        module: the untrained network.
        file: of safetensors; every name and shape must fit.
        place: where it computes.
    """
    module.load_state_dict(load_file(file), strict=True)
    return module.eval().requires_grad_(False).to(place)
