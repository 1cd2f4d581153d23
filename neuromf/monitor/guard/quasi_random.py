"""The points of Sobol's sequence in up to five dimensions, as `scipy.stats.qmc.Sobol(scramble=False)` gives them.

Not taken from scipy, for `import scipy.stats` costs half a second, in every report and before every training's first
step; a test holds each point equal to scipy's. Direction numbers: Joe and Kuo 2008, Constructing Sobol sequences with
better two-dimensional projections, SIAM J. Sci. Comput. 30.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class _Direction:
    """A primitive polynomial and the numbers that its recurrence starts from.

    Attributes:
        coefficients: those between its first and its last, a bit each.
        initial: odd numbers m_1, m_2, ..., as many as its degree.
    """

    coefficients: int
    initial: tuple[int, ...]

    def numbers(self, bits: int) -> list[int]:
        """Direction numbers v_j = m_j 2^(bits - j), j from 1."""
        degree, m = len(self.initial), list(self.initial)
        for k in range(degree, bits):
            following = m[k - degree] ^ m[k - degree] << degree
            for i in range(1, degree):
                if self.coefficients >> (degree - 1 - i) & 1:
                    following ^= m[k - i] << i
            m.append(following)
        return [number << (bits - j) for j, number in enumerate(m[:bits], start=1)]


_DIRECTIONS = (_Direction(0, (1,)), _Direction(1, (1, 3)), _Direction(1, (1, 3, 1)), _Direction(2, (1, 1, 1)))
"""Of the second dimension and on; those of the first are all m_j = 1."""
MOST_DIMENSIONS = 1 + len(_DIRECTIONS)


def sobol_points(dimensions: int, count: int) -> NDArray[np.float64]:
    """The first points (count, dimensions) in [0, 1), in the order of the Gray code.

    Args:
        dimensions: 1 to `MOST_DIMENSIONS`.
        count: a power of two, from 2.
    """
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise ValueError(f"{dimensions} dimensions, known are 1 to {MOST_DIMENSIONS}")
    bits = count.bit_length() - 1
    if count < 2 or count != 1 << bits:
        raise ValueError(f"{count} points are no power of two")
    first = [1 << (bits - j) for j in range(1, bits + 1)]
    directions = [first, *(each.numbers(bits) for each in _DIRECTIONS[: dimensions - 1])]
    index = np.arange(count)
    gray = index ^ index >> 1
    points = np.zeros((len(index), dimensions), dtype=np.int64)
    for bit, numbers in enumerate(zip(*directions, strict=True)):
        points ^= (gray >> bit & 1)[:, None] * np.array(numbers)
    return points / float(count)
