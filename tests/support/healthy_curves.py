"""Losses of trainings in which nothing is wrong, of many kinds, drawn at random and yet the same each time."""

from __future__ import annotations

import numpy as np


def meanflow(generator, steps=3000):
    """A floor that stays, a little that is learnt, and the 1/t^2 tail of a small batch."""
    level = 1.3 + 2.5 * np.exp(-np.arange(steps) / 60)
    tail = 1 + 0.05 / generator.uniform(0.001, 1, (8, steps)) ** 1.5
    return level * tail.mean(0) / tail.mean()


def power_law(generator, steps=3000):
    return 8 / (1 + np.arange(steps) / 20) ** 0.6 * generator.lognormal(0, 0.15, steps)


def plateau(generator, steps=2000):
    """Nothing for a third of the run, then a fall."""
    late = 1 / (1 + np.exp(-(np.arange(steps) - steps / 3) / 40))
    return (2.3 - 1.9 * late) * generator.lognormal(0, 0.1, steps)


def warm_up(generator, steps=2000):
    """The loss rises to nearly twice its start before it falls."""
    place = np.arange(steps) / steps
    return (
        (1 + 0.8 * np.exp(-(((place - 0.05) / 0.03) ** 2))) * 3 / (1 + 20 * place) * generator.lognormal(0, 0.2, steps)
    )


def grokking(generator, steps=6000):
    """A fall by six decades with short slingshots back by three of them."""
    loss = 4 * 10 ** (-6 * np.minimum(np.arange(steps) / (0.5 * steps), 1)) * generator.lognormal(0, 0.3, steps)
    for start in generator.integers(steps // 2, steps - 30, 6):
        loss[start : start + 12] *= 1000
    return loss


def cosine_restarts(generator, steps=4000):
    """The rate goes back up four times, and the loss with it."""
    phase = (np.arange(steps) % (steps // 4)) / (steps // 4)
    return (0.5 + 1.2 * (1 - phase) ** 2 * np.exp(-np.arange(steps) / steps)) * generator.lognormal(0, 0.1, steps)


def small_batches(generator, steps=4000):
    """A batch of one: the loss of a sample is anything from a tenth of a thousandth to ten times the mean."""
    return (2.3 / (1 + np.arange(steps) / 300) + 0.3) * generator.exponential(1, steps)


def below_zero(generator, steps=1500):
    """A log likelihood of a density."""
    return 5 - 8 * (1 - np.exp(-np.arange(steps) / 200)) + generator.normal(0, 0.4, steps)


def lone_spikes(generator, steps=2500):
    """One row in two hundred is fifty times the others."""
    loss = power_law(generator, steps)
    loss[generator.integers(100, steps, steps // 200)] *= 50
    return loss


def short(generator):
    """Forty rows are all there is."""
    return power_law(generator, 40)


def decayed_rate(generator, steps=3000):
    """Two drops of the rate, each with a drop of the loss."""
    drops = np.select([np.arange(steps) < 0.5 * steps, np.arange(steps) < 0.75 * steps], [1.0, 0.6], 0.45)
    return drops * (1 + np.exp(-np.arange(steps) / 100)) * generator.lognormal(0, 0.12, steps)


def to_nothing(generator, steps=4000):
    """A problem without noise is solved to the last digits, in which the loss wanders over three decades."""
    wander = np.cumsum(generator.normal(0, 0.15, steps))
    return np.maximum(np.exp(-np.arange(steps) / 100), 1e-12) * np.exp(np.clip(wander - wander.mean(), -3.5, 3.5))


def long_run(generator):
    """A hundred thousand rows."""
    return power_law(generator, 100_000)


KINDS = (
    meanflow, power_law, plateau, warm_up, grokking, cosine_restarts, small_batches, below_zero, lone_spikes, short,
    decayed_rate, to_nothing, long_run,
)  # fmt: skip
