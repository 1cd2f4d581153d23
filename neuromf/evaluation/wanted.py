"""What an evaluation is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neuromf.evaluation.subject import HELD_OUT

EVALUATIONS = (1, 2, 5, 10, 50)
COUNT = 64
OnProgress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much."""


def silent(what: str, done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What an evaluation is to do.

    Attributes:
        evaluations: numbers of network evaluations a sample, rising.
        count: samples of each number.
        seed: of noise, choice and resamples.
        splits: whose scans are held out.
        decode_all: whether samples of every number of evaluations are decoded, or those of the fewest and the most.
    """

    evaluations: tuple[int, ...] = EVALUATIONS
    count: int = COUNT
    seed: int = 0
    splits: tuple[str, ...] = HELD_OUT
    decode_all: bool = False

    @property
    def decoded(self) -> tuple[int, ...]:
        """Numbers of evaluations whose samples are decoded."""
        return self.evaluations if self.decode_all else tuple(sorted({self.evaluations[0], self.evaluations[-1]}))
