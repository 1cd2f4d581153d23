"""Draws of a torch code replaced by those of the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch


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
