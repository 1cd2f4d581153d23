"""What the suite hands to a code's loss, and in whose times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.fields import Field, Value, evaluate

Array = NDArray[np.float64]
Parameters = Mapping[str, float]


@dataclass(frozen=True)
class GivenBatch:
    """Samples with all draws given.

    Attributes:
        x: data (B, ...).
        e: noise, shaped like `x`.
        r: start of the interval (B,).
        t: end of the interval and time of the point (B,).
        y: class numbers (B,).
    """

    x: Array
    e: Array
    r: Array
    t: Array
    y: NDArray[np.int64]

    def rows(self, places: list[int]) -> GivenBatch:
        """Some of the samples, in this order, as often as they are named."""
        return GivenBatch(self.x[places], self.e[places], self.r[places], self.t[places], self.y[places])

    def repeated(self, count: int) -> GivenBatch:
        """All samples `count` times over."""
        return self.rows(list(range(len(self.t))) * count)

    def own_time(self, data_at: int) -> GivenBatch:
        """The same samples in the times of a code whose data lie at `data_at`."""
        return self if data_at == 0 else replace(self, r=1 - self.r, t=1 - self.t)


@dataclass(frozen=True)
class OwnField:
    """A field as a code meets it: with the code's times, and the sign that its velocity has.

    Attributes:
        field: in the suite's times.
        data_at: time of the data in the code.
        predicts_data: whether the output is x, which has no sign.
    """

    field: Field
    data_at: int = 0
    predicts_data: bool = False

    def __call__(self, parameters: Mapping[str, Value], z: Value, r: Value, t: Value, y: Value = 0.0) -> Value:
        """The output at points and times of the code."""
        if self.data_at == 0:
            return evaluate(self.field, parameters, z, r, t, y)
        output = evaluate(self.field, parameters, z, 1.0 - r, 1.0 - t, y)
        return output if self.predicts_data else -output
