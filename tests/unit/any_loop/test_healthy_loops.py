"""A guard that cries wolf is switched off: loops that go well hear nothing."""

import pytest

from tests.support.healthy_loops import KINDS, healthy_loop

SEEDS = range(3)


def test_there_are_sixty_healthy_loops():
    """Of at least twenty kinds."""
    assert len(KINDS) >= 20
    assert len(KINDS) * len(SEEDS) >= 60


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_loop_draws_no_alarm(kind, seed):
    """Neither from its losses nor from what is looked at around its optimiser's steps."""
    said = [str(verdict) for verdict in healthy_loop(kind, seed).verdicts() if verdict.alarms]
    assert said == []
