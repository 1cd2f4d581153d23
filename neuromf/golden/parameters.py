"""Every parameter of a network as text: name, shape, how it is initialised, whether weight decay applies."""

from __future__ import annotations

import torch

from neuromf.config.schema import Config
from neuromf.nets.factory import build_net
from neuromf.training.step.optimiser import build_optimiser


def parameter_text(config: Config) -> str:
    """One line a parameter, in order: `name shape dtype start decay`.

    The start is `zero`, `one` or `random`, and for random weights their standard deviation to one digit: enough to see
    another initialisation, and the same on every machine.
    """
    model = build_net(config)
    decay = {
        id(p): g["weight_decay"] for g in build_optimiser(model, config.training).param_groups for p in g["params"]
    }
    lines = [
        f"{name} {tuple(p.shape)} {str(p.dtype).removeprefix('torch.')} {_start(p.detach())} decay {decay[id(p)]:g}"
        for name, p in model.named_parameters()
    ]
    return "\n".join(lines) + "\n"


def _start(values: torch.Tensor) -> str:
    if not values.any():
        return "zero"
    if bool((values == 1).all()):
        return "one"
    return f"random {values.std(correction=0).item():.1g}"
