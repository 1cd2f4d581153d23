"""What the suite asks of a code, in numpy: the bridges of the libraries make it of an adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.batch import GivenBatch, OwnField, Parameters
from neuromf_spec.conformance.declaration import Declaration

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """The suite's network in the code's own convention.

    Attributes:
        output: what it predicts.
        head: its second head, None where the code has none.
    """

    output: OwnField
    head: OwnField | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a code's loss returned.

    Attributes:
        value: of the loss.
        gradient: of the loss in each of the network's parameters.
    """

    value: float
    gradient: Mapping[str, float]


class Subject(Protocol):
    """A code under judgement.

    A function that it lacks is None, and the laws that need it do not apply. Times are the code's own.
    """

    @property
    def declared(self) -> Declaration:
        """Its conventions."""

    @property
    def loss(self) -> Callable[[Network, Parameters, GivenBatch], Evaluation] | None:
        """Value and gradient of its loss."""

    @property
    def times(self) -> Callable[[int, int], tuple[Array, Array]] | None:
        """(count, seed) -> r and t of that many samples."""

    @property
    def sample(self) -> Callable[[Network, Parameters, Array, int], Array] | None:
        """(network, parameters, noise, steps) -> data."""

    @property
    def grid(self) -> Callable[[int], Sequence[float]] | None:
        """Steps -> its times from noise to data; without it steps are equal."""

    @property
    def average(self) -> Callable[[Sequence[Array]], Array] | None:
        """Weights before the first and after each step -> their average at the end."""

    @property
    def rate(self) -> Callable[[int], float] | None:
        """Optimiser step, from 0 -> factor on the learning rate."""
