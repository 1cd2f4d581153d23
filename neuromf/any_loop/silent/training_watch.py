"""Silent faults of any torch loop, looked for around the steps of its optimiser in the first ten and every fiftieth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, SupportsFloat

import torch
from neuromf_spec.laws.silent_faults import judged_step
from torch import Tensor, nn

from neuromf.any_loop.repeat import judge_twice
from neuromf.any_loop.silent import findings
from neuromf.any_loop.silent.average_watch import AverageWatch
from neuromf.any_loop.silent.clip_look import ClipLook
from neuromf.any_loop.silent.dropout_look import DropoutLook
from neuromf.any_loop.silent.evaluation import EvaluationLook
from neuromf.any_loop.silent.found_alarms import FoundAlarms
from neuromf.any_loop.silent.gradient_look import GradientLook
from neuromf.any_loop.silent.idle_loop import IdleLoop
from neuromf.any_loop.silent.input_look import InputLook
from neuromf.any_loop.silent.motion import motion
from neuromf.any_loop.silent.optimisers import Optimisers
from neuromf.any_loop.silent.replicas import parted_replicas
from neuromf.any_loop.silent.trained_weights import TrainedWeights
from neuromf.monitor.guard.alarm import Alarm


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
        self._lr, self._over_ranks = lr, over_ranks
        self._clip = ClipLook(clip) if clip is not None else None
        self._weights = TrainedWeights(model, optimisers, idle)
        self._parameters = self._weights.parameters
        first = optimisers.held_by_first()
        self._gradients = GradientLook([parameter for parameter in self._parameters if id(parameter) in first])
        self._inputs = InputLook(model)
        self._before: list[Tensor] = []  # memory that is written over each time, for new pages take longer
        self._looking = False
        self._counted: float | None = None
        self._steps, self._idle_loop, self._found = 0, IdleLoop(), FoundAlarms(guarded)
        self._gradients.begin()
        optimisers.hook(self.before_step, self.after_step)
        self._found.add(self._weights.covered(), self._steps)

    @torch.no_grad()
    def before_step(self) -> None:
        """What must be known of a step that is looked into, and of the average after the one before."""
        if self._average is not None:
            self._found.add(self._average.before_next(self._steps - 1), self._steps)
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
        self._idle_loop.updated()
        if self._looking:
            self._found.add(self._look(), self._steps)
            self._looking = False
        self._steps += 1
        if judged_step(self._steps):
            self._gradients.begin()

    def _look(self) -> list[Alarm]:
        found = findings.judged("OPT-003", stale=self._gradients.end()) + self._inputs.look()
        went = motion(self._parameters, self._before, self._optimisers.groups(), self._optimisers.states())
        found += findings.broken_weights([self._weights.names[place] for place in went.broken])
        found += self._weights.moved(went.moved, went.still, went.with_gradient, self._steps)
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

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Around an evaluation: weights, buffers, average and the mode of each module are the same afterwards.

        And a network in evaluation mode drops nothing.
        """
        look = EvaluationLook(self._model, None if self._average is None else self._average.values)
        with DropoutLook(self._model) as dropouts:
            yield
        self._found.add(look.after() + dropouts.look(), self._steps)

    def repeats(self, closure: Callable[[], SupportsFloat], rtol: float = 0.0) -> bool:
        """Whether a loss that is computed twice, with the same randomness of torch, is the same (law NUM-002).

        Args:
            closure: computes it, without a backward pass or an update.
            rtol: relative difference that is borne: kernels of a GPU need not repeat themselves bit for bit.
        """
        found = judge_twice(closure, rtol)
        self._found.add(found, self._steps)
        return not found

    def take(self) -> list[Alarm]:
        """What was found since the last call; the guard of the loop asks at each of its steps."""
        return self._found.take() + self._idle_loop.step(self._steps)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold; that of the guard holds it already."""
        idle, weights = self._idle_loop, self._weights
        return {"steps": self._steps, "at_rest": weights.at_rest, "since_update": idle.since_update,
                "longest": idle.longest, "ever": weights.ever_moved(), "told": self._found.state()}  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._steps, at_rest = int(state["steps"]), int(state["at_rest"])
        self._idle_loop.since_update, self._idle_loop.longest = int(state["since_update"]), int(state["longest"])
        self._found.load_state(state["told"])
        self._weights.load(at_rest, state["ever"])

    def close(self) -> None:
        """Take the hooks off again."""
        self._gradients.end()
        self._inputs.off()
        self._optimisers.unhook()
