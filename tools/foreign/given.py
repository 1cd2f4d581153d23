"""Draws of a torch code replaced by those of the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch

Begin = Callable[[torch.nn.ParameterList, torch.nn.ParameterList], Callable[[], object]]


@contextmanager
def noise_is(noise: torch.Tensor, *names: str) -> Iterator[None]:
    """Within, functions of torch return the given noise (B, ...), whatever they are asked for.

    Args:
        noise: what is returned.
        names: of functions, such as `randn_like`.
    """

    def given(*_: object, **__: object) -> torch.Tensor:
        return noise

    with ExitStack() as stack:
        for name in names:
            stack.enter_context(mock.patch.object(torch, name, given))
        yield


class Called(torch.nn.Module):
    """The suite's network under another signature.

    Args:
        net: the suite's network.
        call: (net, arguments of the code) -> what the code's network would return.
    """

    def __init__(self, net: torch.nn.Module, call: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.net = net
        self.call = call

    def forward(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        """What the code's network would return."""
        return self.call(self.net, *arguments, **named)


def averaged(weights: Sequence[torch.Tensor], begin: Begin) -> torch.Tensor:
    """The average that a code keeps of a module beside another, which has these weights one after the other.

    Args:
        weights: before the first step and after each.
        begin: (module, the one that is kept) -> what the code does after each step.
    """
    own, kept = (torch.nn.ParameterList([torch.nn.Parameter(weights[0].clone())]) for _ in range(2))
    update = begin(own, kept)
    for present in weights[1:]:
        own[0].data.copy_(present)
        update()
    return kept[0]
