"""The rules that judge each step of a loop, together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromf.any_loop.rules.climbs import ClimbRule
from neuromf.any_loop.rules.reading import LoopReading, LoopRule
from neuromf.any_loop.rules.shown_loss import ShownLossRule
from neuromf.any_loop.rules.skips import SkipRule
from neuromf.any_loop.rules.spikes import SpikeRule
from neuromf.any_loop.rules.stalls import StallRule
from neuromf.any_loop.rules.unlearnt import UnlearntRule
from neuromf.monitor.guard.alarm import Alarm


class RulesOfLoop:
    """All rules, each by its name in a checkpoint.

    Args:
        warn_ratio: multiple of the initial loss at which to warn.
        halt_ratio: multiple at which to stop; None only warns.
        nothing: expected loss of a network that predicts nothing, where it is known.
        patience: steps without a better level after which to warn of a plateau; None never does.
    """

    def __init__(
        self, warn_ratio: float, halt_ratio: float | None, nothing: float | None, patience: int | None
    ) -> None:
        self._rules: dict[str, LoopRule] = {
            "climbs": ClimbRule(warn_ratio, halt_ratio, nothing),
            "stalls": StallRule(patience, nothing),
            "shown": ShownLossRule(),
            "spikes": SpikeRule(),
            "skips": SkipRule(),
            "unlearnt": UnlearntRule(nothing),
        }

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """What they all say of a step."""
        return [alarm for rule in self._rules.values() for alarm in rule.observe(reading)]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {name: rule.state() for name, rule in self._rules.items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state.

        Raises:
            KeyError: it lacks a rule.
        """
        for name, rule in self._rules.items():
            rule.load_state(state[name])
