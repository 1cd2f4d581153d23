"""The guard for any loop: told of each step's loss, it says when to stop, and keeps a record of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, SupportsFloat

from neuromf.any_loop.attached_checks import AttachedChecks, SilentChecks
from neuromf.any_loop.bounds import refuse_bounds
from neuromf.any_loop.numbers import cells_of, plain, reading_of
from neuromf.any_loop.ranks import over_all_ranks, writes_here
from neuromf.any_loop.record import new_facts
from neuromf.any_loop.record_writer import LoopRecord
from neuromf.any_loop.repeat import judge_repeat
from neuromf.any_loop.rules.of_loop import RulesOfLoop
from neuromf.any_loop.telling import Telling
from neuromf.any_loop.verdict import LoopVerdict
from neuromf.errors import InputError
from neuromf.monitor.notice import Notifier

Number = SupportsFloat | None


class Guard:
    """Judges a training of any code by the numbers of its steps.

    Args:
        folder: of the record, which `neuromf watch`, `report` and `compare` take as a run; None keeps none.
        warn_ratio: multiple of the initial loss at which to warn.
        halt_ratio: multiple at which to stop; None only warns, save of a number that is not finite.
        nothing: expected loss of a network that predicts nothing, in the unit of the judged loss, where it is known:
            for flow matching of standardised data 2, for k balanced classes log k (law GUARD-004).
        patience: steps without a better level after which to warn of a plateau; None never does.
        total_steps: of the whole run, where it is known, for `neuromf watch`.
        notify: a URL to post each alarm to, or a command to run with it, see `neuromf.monitor.notice`.
        over_ranks: whether every process of torch.distributed makes this guard and calls each step: then the mean of
            their numbers is judged, and all hear the same verdict (law GUARD-002).
        replace: whether a record in `folder` may be replaced.

    Raises:
        InputError: bounds that are no bounds, or a notice that cannot be sent.

    >>> guard = Guard()
    >>> [guard.step(loss=loss).stop for loss in (1.0, 0.9, float("nan"))]
    [False, False, True]
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        warn_ratio: float = 10.0,
        halt_ratio: float | None = 100.0,
        nothing: float | None = None,
        patience: int | None = None,
        total_steps: int | None = None,
        notify: str | Sequence[str] | None = None,
        over_ranks: bool = False,
        replace: bool = False,
    ) -> None:
        refuse_bounds(warn_ratio, halt_ratio, nothing)
        self._folder = None if folder is None or not writes_here() else Path(folder)
        self._facts, self._replace = new_facts(total_steps, nothing), replace
        self._rules = RulesOfLoop(warn_ratio, halt_ratio, nothing, patience)
        self._telling = Telling(
            Notifier(notify, folder or "a training") if notify is not None and writes_here() else None
        )
        self._over_ranks, self._record, self._step = over_ranks, None, 0
        self._checks = AttachedChecks()

    _record: LoopRecord | None

    def step(
        self, loss: SupportsFloat, *, raw_loss: Number = None, grad_norm: Number = None, skipped: bool = False,
        again: Callable[[], SupportsFloat] | None = None, **metrics: Number,
    ) -> LoopVerdict:  # fmt: skip
        """Judge one step; call it after the backward pass and before the optimiser's step.

        Args:
            loss: what the loop shows.
            raw_loss: the loss before it is weighted, which is judged where it is given.
            grad_norm: global norm of the gradient before the clip.
            skipped: whether a gradient scaler will skip the step, whose gradient may then be infinite.
            again: computes the loss of this step once more; asked where something new is wrong (law NUM-002).
            metrics: other numbers for the record, such as `lr`; `raw_fm` and `raw_mf` are judged too (law GUARD-006).

        Raises:
            InputError: something is no number; or at the first step, the folder cannot hold the record.
        """
        reading = reading_of(loss, raw_loss, grad_norm, skipped, metrics)
        if self._over_ranks:
            reading = over_all_ranks(reading)
        if self._record is None and self._folder is not None:
            self._record = LoopRecord(self._folder, self._step, self._facts, replace=self._replace)
        alarms = self._rules.observe(reading) + self._checks.take()
        if again is not None and self._telling.fresh(alarms):
            alarms += judge_repeat(loss=plain(loss), again=again)
        verdict = LoopVerdict(self._step, tuple(alarms), tuple(self._telling.fresh(alarms)))
        self._telling.tell(verdict, self._record, cells_of(reading, raw_loss is not None))
        self._step += 1
        return verdict

    def attach(self, checks: SilentChecks) -> None:
        """Take over what `watch_training` finds; it does this itself, before or after the guard's state is loaded."""
        self._checks.attach(checks)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint of the loop must hold: of JSON's types, for any way to save."""
        return {"step": self._step, "rules": self._rules.state(), "told": self._telling.state(),
                "checks": self._checks.state()}  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint, as if never stopped; rows of later steps are made again.

        Raises:
            InputError: it is no state of a guard, or was given after the first step.
        """
        if self._record is not None or self._step:
            raise InputError("the guard has judged steps already", remedy="load the state before the first step")
        try:
            self._rules.load_state(state["rules"])
            self._checks.load_state(state["checks"])
            self._step = int(state["step"])
            self._telling.load_state(state["told"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"no state of a guard ({type(error).__name__} {error})"
            raise InputError(problem, remedy="give what its state_dict() returned") from error

    def close(self) -> None:
        """The loop is over: the record says so, and notices under way are waited for."""
        if self._record is not None:
            self._record.close()
        self._telling.settle()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:  # what ended by an error did not end as the loop meant to
            self.close()
