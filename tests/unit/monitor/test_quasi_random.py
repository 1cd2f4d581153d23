"""Sobol's points against scipy's."""

import numpy as np
import pytest
from scipy.stats import qmc

from neuromf.monitor.guard.quasi_random import MOST_DIMENSIONS, sobol_points


@pytest.mark.parametrize("count", [2, 16, 2**14])
@pytest.mark.parametrize("dimensions", range(1, MOST_DIMENSIONS + 1))
def test_each_point_is_scipys(dimensions, count):
    """Bit for bit and in scipy's order."""
    expected = qmc.Sobol(dimensions, scramble=False).random(count)
    assert np.array_equal(sobol_points(dimensions, count), expected)


@pytest.mark.parametrize("dimensions", [0, MOST_DIMENSIONS + 1])
def test_other_dimensions_are_refused(dimensions):
    """Their direction numbers are not known here."""
    with pytest.raises(ValueError, match="known are 1 to 5"):
        sobol_points(dimensions, 3)


@pytest.mark.parametrize("count", [0, 1, 12])
def test_other_counts_are_refused(count):
    """Fewer points of the sequence would not be even."""
    with pytest.raises(ValueError, match="no power of two"):
        sobol_points(2, count)
