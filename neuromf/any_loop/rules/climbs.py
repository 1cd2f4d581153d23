"""The divergence guard of our own trainings on the loss of any loop: not finite, far above its start, climbing.

Our raw loss is a mean square and never zero. A loop's loss may reach zero, where a ratio means nothing, or be negative,
where a logarithm does: see `LossScale` and `SignedClimb`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from neuromf_spec.laws.guard import finite_step

from neuromf.any_loop.rules.loss_scale import LossScale
from neuromf.any_loop.rules.reading import LoopReading
from neuromf.any_loop.rules.signed_climb import SignedClimb
from neuromf.monitor.guard.alarm import Alarm, Level, RawLosses, alarm_of
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss


class ClimbRule:
    """Every rule of the divergence guard.

    Args:
        warn_ratio: multiple of the initial level at which to warn.
        halt_ratio: multiple at which to stop; None never stops but on a number that is not finite.
        nothing: expected raw loss of predicting nothing; None where it is not known.
    """

    def __init__(self, warn_ratio: float, halt_ratio: float | None, nothing: float | None) -> None:
        start = ZeroPredictorLoss(nothing, nothing) if nothing is not None else None
        self._guard = DivergenceGuard(warn_ratio, halt_ratio, start)
        self._signed = SignedClimb(warn_ratio, halt_ratio)
        self._scale = LossScale()

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """Judge one step (NUM-001, GUARD-001, GUARD-004 to GUARD-006)."""
        norm = 0.0 if reading.grad_norm is None or reading.skipped else reading.grad_norm
        finding = finite_step(loss=reading.raw if math.isfinite(reading.loss) else reading.loss, gradient_norm=norm)
        if not finding.passed:
            return [alarm_of("NUM-001", Level.NONFINITE, finding)]
        raw = self._scale.admit(reading.raw)
        signed = self._signed.observe(reading.raw, judged=self._scale.signed)
        if raw is None:
            return signed
        # Without MF samples the loss is all there is, and an FM loss in the eyes of GUARD-004, which then stops too.
        flow = reading.flow if reading.meanflow is not None else raw
        return [*self._guard.observe(RawLosses(raw, flow, reading.meanflow, norm)).alarms, *signed]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"guard": self._guard.state(), "signed": self._signed.state(), "scale": self._scale.state()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._guard.load_state(state["guard"])
        self._signed.load_state(state["signed"])
        self._scale.load_state(state["scale"])
