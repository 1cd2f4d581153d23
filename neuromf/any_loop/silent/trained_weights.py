"""Which parameters are to be trained, whether the optimiser has them, and whether they move (OPT-002)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neuromf_spec.laws.silent_faults import EVERY_STEPS, FIRST_STEPS
from torch import nn

from neuromf.any_loop.silent import findings
from neuromf.any_loop.silent.optimisers import Optimisers
from neuromf.monitor.guard.alarm import Alarm


class TrainedWeights:
    """The parameters of a network that take gradients.

    Args:
        model: the network.
        optimisers: that train it.
        idle: beginnings of the names of parameters that are left alone on purpose.
    """

    def __init__(self, model: nn.Module, optimisers: Optimisers, idle: tuple[str, ...]) -> None:
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.names, self.parameters = list(named), list(named.values())
        self._optimisers, self._idle = optimisers, idle
        self.at_rest = 0
        self._ever = [False] * len(self.names)

    def _trained(self) -> list[str]:
        return [name for name in self.names if not name.startswith(self._idle)] if self._idle else self.names

    def covered(self) -> list[Alarm]:
        """Parameters that no optimiser has, or one has twice."""
        held = self._optimisers.held()
        names = self._trained()
        of_name = dict(zip(self.names, self.parameters, strict=True))
        missing = [name for name in names if id(of_name[name]) not in held]
        return findings.judged(
            "OPT-002", missing, trainable=len(names), held=len(names) - len(missing),
            repeated=self._optimisers.repeated(), still=0,
        )  # fmt: skip

    def moved(self, moved: Sequence[bool], still: int, with_gradient: int, step: int) -> list[Alarm]:
        """Hold a step to what an update moves.

        Args:
            moved: for each parameter, whether it did.
            still: parameters with a gradient that did not.
            with_gradient: parameters with a gradient.
            step: number of the update, from 0.
        """
        self._ever = [a or b for a, b in zip(self._ever, moved, strict=True)]
        self.at_rest = 0 if any(moved) or not with_gradient else self.at_rest + 1
        if self.at_rest >= FIRST_STEPS:
            return findings.no_update(self.at_rest, "the gradient is not zero, and no weight moves")
        count = len(self._trained())
        found = findings.judged("OPT-002", trainable=count, held=count, repeated=0, still=still)
        if step == EVERY_STEPS:
            held = self._optimisers.held_by_first()
            resting = {
                name for name, p, ever in zip(self.names, self.parameters, self._ever, strict=True)
                if not ever and id(p) in held
            }  # fmt: skip
            found += findings.never_moved([name for name in self._trained() if name in resting], count, EVERY_STEPS)
        return found

    def ever_moved(self) -> list[str]:
        """Names of those that have moved so far."""
        return [name for name, moved in zip(self.names, self._ever, strict=True) if moved]

    def load(self, at_rest: int, ever: Iterable[str]) -> None:
        """Go on from a checkpoint's state."""
        moved = set(ever)
        self.at_rest, self._ever = at_rest, [name in moved for name in self.names]
