"""Silent faults of any torch loop, looked for around the steps of its optimiser in the first ten and every fiftieth."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, SupportsFloat

import torch
from neuromf_spec.laws.silent_faults import EVERY_STEPS, FIRST_STEPS, judged_step
from torch import Tensor, nn

from neuromf.any_loop.repeat import judge_twice
from neuromf.any_loop.silent import findings
from neuromf.any_loop.silent.average_watch import AverageWatch
from neuromf.any_loop.silent.clip_look import ClipLook
from neuromf.any_loop.silent.dropout_look import DropoutLook
from neuromf.any_loop.silent.evaluation import EvaluationLook
from neuromf.any_loop.silent.gradient_look import GradientLook
from neuromf.any_loop.silent.input_look import InputLook
from neuromf.any_loop.silent.motion import motion
from neuromf.any_loop.silent.optimisers import Optimisers
from neuromf.any_loop.silent.replicas import parted_replicas
from neuromf.monitor.guard.alarm import Alarm

LOG = logging.getLogger("neuromf")
IDLE_AT_FIRST, IDLE_STEPS, TIMES_USUAL = 200, 20, 3
"""Steps of the loop without one of the optimiser after which it is told: before its first step, after it, and at least
so many times as there usually are, for a loop that accumulates gradients may tell the guard each micro-batch."""


class TrainingWatch:
    """What `watch_training` makes; hooks on the optimisers call it.

    Args:
        model: the network.
        optimisers: that train it.
        average: watches the average of its weights, None where there is none.
        lr: learning rate by number of the update, from 0; None where it is not known.
        clip: largest norm of the gradient that the optimiser may be given, None where it is not clipped.
        idle: beginnings of the names of parameters that are left alone on purpose.
        over_ranks: whether all processes watch, so that their replicas can be compared.
        guarded: whether a guard takes what is found; it is logged where not.
    """

    def __init__(
        self, model: nn.Module, optimisers: Optimisers, average: AverageWatch | None,
        lr: Callable[[int], float] | None, clip: float | None, idle: tuple[str, ...], *, over_ranks: bool,
        guarded: bool,
    ) -> None:  # fmt: skip
        self._model, self._optimisers, self._average = model, optimisers, average
        self._lr, self._idle, self._over_ranks = lr, idle, over_ranks
        self._clip = ClipLook(clip) if clip is not None else None
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._names, self._parameters = list(named), list(named.values())
        first = optimisers.held_by_first()
        self._gradients = GradientLook([parameter for parameter in self._parameters if id(parameter) in first])
        self._inputs = InputLook(model)
        self._before: list[Tensor] = []  # memory that is written over each time, for new pages take longer
        self._looking = False
        self._counted: float | None = None
        self._steps, self._at_rest, self._since_update, self._longest = 0, 0, 0, 0
        self._ever = [False] * len(self._names)
        self._fresh: list[Alarm] = []
        self._told: set[str] = set()
        self._guarded = guarded
        self._gradients.begin()
        optimisers.hook(self.before_step, self.after_step)
        self._hear(self._covered())

    def _trained(self) -> list[str]:
        return [name for name in self._names if not name.startswith(self._idle)] if self._idle else self._names

    def _covered(self) -> list[Alarm]:
        held = self._optimisers.held()
        names = self._trained()
        of_name = dict(zip(self._names, self._parameters, strict=True))
        missing = [name for name in names if id(of_name[name]) not in held]
        return findings.judged(
            "OPT-002", missing, trainable=len(names), held=len(names) - len(missing),
            repeated=self._optimisers.repeated(), still=0,
        )  # fmt: skip

    @torch.no_grad()
    def before_step(self) -> None:
        """What must be known of a step that is looked into, and of the average after the one before."""
        if self._average is not None:
            self._hear(self._average.before_next(self._steps - 1))
        if judged_step(self._steps):
            self._before = self._before or [torch.empty_like(parameter) for parameter in self._parameters]
            torch._foreach_copy_(self._before, [parameter.detach() for parameter in self._parameters])
            self._looking = True
            self._counted = self._optimisers.counted()
            # The first update of many averages is a copy of the weights.
            if self._average is not None and self._steps:
                self._average.before_step()

    @torch.no_grad()
    def after_step(self) -> None:
        """Look into the step, where it is one of those."""
        self._longest, self._since_update = max(self._longest, self._since_update), 0
        if self._looking:
            self._hear(self._look())
            self._looking = False
        self._steps += 1
        if judged_step(self._steps):
            self._gradients.begin()

    def _look(self) -> list[Alarm]:
        found = findings.judged("OPT-003", stale=self._gradients.end()) + self._inputs.look()
        went = motion(self._parameters, self._before, self._optimisers.groups(), self._optimisers.states())
        found += findings.broken_weights([self._names[place] for place in went.broken])
        found += self._moved(went.moved, went.still, went.with_gradient)
        after = self._optimisers.counted()
        if after is not None and self._counted is not None:
            found += findings.judged("OPT-004", recorded=1, counted=int(after - self._counted))
        if self._clip is not None:
            found += self._clip.look([p.grad for p in self._parameters if p.grad is not None])
        if self._lr is not None:
            found += findings.rate_off(self._optimisers.rates(), self._lr(self._steps), self._steps)
        if self._over_ranks:
            found += findings.judged("BATCH-003", differing=parted_replicas(self._parameters))
        return found

    def _moved(self, moved: Sequence[bool], still: int, with_gradient: int) -> list[Alarm]:
        self._ever = [a or b for a, b in zip(self._ever, moved, strict=True)]
        self._at_rest = 0 if any(moved) or not with_gradient else self._at_rest + 1
        if self._at_rest >= FIRST_STEPS:
            return findings.no_update(self._at_rest, "the gradient is not zero, and no weight moves")
        count = len(self._trained())
        found = findings.judged("OPT-002", trainable=count, held=count, repeated=0, still=still)
        if self._steps == EVERY_STEPS:
            held = self._optimisers.held_by_first()
            resting = {
                name for name, p, ever in zip(self._names, self._parameters, self._ever, strict=True)
                if not ever and id(p) in held
            }  # fmt: skip
            found += findings.never_moved([name for name in self._trained() if name in resting], count, EVERY_STEPS)
        return found

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Around an evaluation: weights, buffers, average and the mode of each module are the same afterwards.

        And a network in evaluation mode drops nothing.
        """
        look = EvaluationLook(self._model, None if self._average is None else self._average.values)
        with DropoutLook(self._model) as dropouts:
            yield
        self._hear(look.after() + dropouts.look())

    def repeats(self, closure: Callable[[], SupportsFloat], rtol: float = 0.0) -> bool:
        """Whether a loss that is computed twice, with the same randomness of torch, is the same (law NUM-002).

        Args:
            closure: computes it, without a backward pass or an update.
            rtol: relative difference that is borne: kernels of a GPU need not repeat themselves bit for bit.
        """
        found = judge_twice(closure, rtol)
        self._hear(found)
        return not found

    def _hear(self, alarms: Sequence[Alarm]) -> None:
        self._fresh += alarms
        for alarm in alarms:
            key = f"{alarm.law} {alarm.level}"
            if not self._guarded and key not in self._told:
                LOG.warning("neuromf: at update %d, %s: %s", self._steps, alarm.law, alarm.message)
            self._told.add(key)

    def take(self) -> list[Alarm]:
        """What was found since the last call; the guard of the loop asks at each of its steps."""
        self._since_update += 1
        found, self._fresh = self._fresh, []
        limit = max(IDLE_STEPS, TIMES_USUAL * self._longest) if self._steps else IDLE_AT_FIRST
        if self._since_update > limit:
            found += findings.no_update(self._since_update - 1, "the optimiser makes no step")
        return found

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold; that of the guard holds it already."""
        ever = [name for name, moved in zip(self._names, self._ever, strict=True) if moved]
        return {"steps": self._steps, "at_rest": self._at_rest, "since_update": self._since_update,
                "longest": self._longest, "ever": ever, "told": sorted(self._told)}  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._steps, self._at_rest = int(state["steps"]), int(state["at_rest"])
        self._since_update, self._longest = int(state["since_update"]), int(state["longest"])
        self._told = {str(key) for key in state["told"]}
        ever = set(state["ever"])
        self._ever = [name in ever for name in self._names]

    def close(self) -> None:
        """Take the hooks off again."""
        self._gradients.end()
        self._inputs.off()
        self._optimisers.unhook()
