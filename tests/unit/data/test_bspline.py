"""Smooth random fields."""

import numpy as np

from neuromf.data.bspline import smooth_field


class Ones:
    """A generator whose draws are all one."""

    def standard_normal(self, shape):
        """Every draw is one."""
        return np.ones(shape)


def field(spacing, seed=0, amplitude=1.0):
    return smooth_field(np.random.default_rng(seed), (20, 24, 28), 2.0, spacing, amplitude, components=2)


def test_equal_control_points_give_a_constant_field():
    """B-spline weights sum to one everywhere, edges included."""
    constant = smooth_field(Ones(), (11, 8, 5), 2.0, 7.0, 3.0, components=1)
    assert constant.shape == (1, 11, 8, 5)
    assert np.allclose(constant, 3.0)


def test_wider_spacing_is_smoother():
    """Neighbouring voxels differ less where control points are farther apart."""
    steps = [np.abs(np.diff(field(spacing), axis=1)).mean() for spacing in (10.0, 20.0, 40.0)]
    assert steps[0] > 1.5 * steps[1] > 2.25 * steps[2]


def test_amplitude_scales_the_field():
    """Twice the amplitude gives twice the field."""
    assert np.allclose(field(15.0, amplitude=2.0), 2 * field(15.0))


def test_components_are_independent():
    """Two components of one draw differ."""
    first, second = field(15.0)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5
