"""The protocol of an adapter: what a MeanFlow code hands over so that the laws can judge it.

An adapter is a class without a base, in a file of its own; it is made anew, without arguments, for each check. Only
`library`, `declares` and one of the functions are needed: a law whose function is missing is not applicable. An error
that a function raises is reported, and no law is said to fall for it.

Times, noise and data are in the code's own convention: where it says `data_at=1`, t = 1 is the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from neuromf_spec.conformance.declaration import Declaration


@dataclass(frozen=True)
class Samples:
    """One batch with every draw given, as tensors of torch or arrays of JAX.

    Attributes:
        x: data (B, *shape).
        e: noise, shaped like `x`.
        r: end of the interval that is nearer the data (B,).
        t: time of the point z (B,); r = t on a flow-matching sample. Where t = 1 is the data, r >= t.
        y: class numbers (B,), all the declared label where there is guidance, else 0.
    """

    x: Any
    e: Any
    r: Any
    t: Any
    y: Any


class SuiteNet(Protocol):
    """The suite's network, a module of torch or a function under JAX.

    It takes times of any shape that can stand beside z: a number, (B,) or (B, 1, ...).
    """

    def __call__(self, z: Any, r: Any, t: Any, y: Any = 0.0) -> Any:  # noqa: ANN401
        """What the code's network would put out: u, or x where it predicts the data."""

    def velocity(self, z: Any, r: Any, t: Any) -> Any:  # noqa: ANN401
        """The second head, where the code declares one."""


class Adapter(Protocol):
    """A code under judgement. All functions but `loss` are optional, and `loss` is where there are others."""

    library: Literal["torch", "jax"]
    declares: Declaration

    def loss(self, net: SuiteNet, samples: Samples) -> Any:  # noqa: ANN401
        """The code's loss of this batch, a scalar with gradient: its randomness is to be replaced by `samples`."""

    def times(self, count: int, seed: int) -> tuple[Any, Any]:
        """Draw r and t of `count` samples."""

    def sample(self, net: SuiteNet, noise: Any, steps: int) -> Any:  # noqa: ANN401
        """Data from noise (B, *shape) in so many steps."""

    def grid(self, steps: int) -> Sequence[float]:
        """Times of the sampler from noise to data, steps + 1 of them; needed where its steps are not equal."""

    def average(self, weights: Sequence[Any]) -> Any:  # noqa: ANN401
        """The moving average at the end, given the weights before the first step and after each."""

    def rate(self, step: int) -> float:
        """Factor on the learning rate at an optimiser step, counted from 0."""

    facts: Mapping[str, object]
    """What is known of its configuration, as in a file of facts."""
