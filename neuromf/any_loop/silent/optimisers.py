"""One or several torch optimisers of a network, as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from neuromf.errors import InputError


class Optimisers:
    """Optimisers that together train a network; a step of the loop is one of the first.

    Args:
        given: an optimiser, one in a wrapper that keeps it as `optimizer`, or several.

    Raises:
        InputError: there is none among them.
    """

    def __init__(self, given: Any) -> None:  # noqa: ANN401
        several = list(given) if isinstance(given, Sequence) else [given]
        self._all = [_plain(one) for one in several]
        self._handles: list[Any] = []
        if not self._all:
            raise InputError("there is no optimiser", remedy="give the loop's own", key="optimizer")

    def hook(self, before: Callable[[], None], after: Callable[[], None]) -> None:
        """Call functions around each step of the first optimiser."""
        first = self._all[0]
        self._handles = [
            first.register_step_pre_hook(lambda *_: before()),
            first.register_step_post_hook(lambda *_: after()),
        ]

    def unhook(self) -> None:
        """Call them no longer."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def groups(self) -> list[dict[str, Any]]:
        """The groups of the first, whose step is looked at."""
        return list(self._all[0].param_groups)

    def states(self) -> Mapping[Any, Mapping[str, Any]]:
        """What the first remembers of each parameter."""
        return self._all[0].state

    def rates(self) -> list[float]:
        """Learning rate of each group of the first."""
        return [float(group["lr"]) for group in self.groups()]

    def held(self) -> set[int]:
        """Identities of all parameters."""
        return {id(p) for one in self._all for group in one.param_groups for p in group["params"]}

    def held_by_first(self) -> set[int]:
        """Identities of those whose steps are looked at."""
        return {id(p) for group in self.groups() for p in group["params"]}

    def repeated(self) -> int:
        """Parameters that are held more than once."""
        count = sum(len(group["params"]) for one in self._all for group in one.param_groups)
        return count - len(self.held())

    def counted(self) -> float | None:
        """Updates that the first has counted itself, of the parameter that had most; None where it counts none."""
        counts = [state["step"] for state in self._all[0].state.values() if "step" in state]
        known = [torch.as_tensor(count).detach().double().cpu() for count in counts]
        return float(torch.stack(known).max()) if known else None


def _plain(one: Any) -> torch.optim.Optimizer:  # noqa: ANN401
    """An optimiser without its wrappers, whose hooks are called whoever calls its step."""
    for _ in range(4):
        if isinstance(one, torch.optim.Optimizer) and not isinstance(
            getattr(one, "optimizer", None), torch.optim.Optimizer
        ):
            return one
        one = getattr(one, "optimizer", None)
    raise InputError("is no torch optimiser", remedy="give the loop's own", key="optimizer")
