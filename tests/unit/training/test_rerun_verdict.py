"""What a rerun adds to a verdict."""

import pytest
from neuromf_spec.registry import law

from neuromf.monitor.guard.alarm import Alarm, Level, Verdict
from neuromf.training.step.rerun import irreproducible_elsewhere, judge_rerun

ALARM = Alarm("GUARD-004", Level.WARN, "1", "0", "broken")
WARNED = Verdict((ALARM,), (ALARM,))
FIRST = {"raw_total": 1.0, "grad_zeros": 0.0, "saturated": 3.0}


def level(again, *, deterministic):
    return judge_rerun(WARNED, FIRST, again, (True,), deterministic).level


@pytest.mark.parametrize("name", ["grad_zeros", "saturated"])
def test_a_count_that_jumps_is_no_fault_where_kernels_may_differ(name):
    """One entry more is beyond any relative bound; with deterministic kernels it is a fault all the same."""
    again = {**FIRST, name: FIRST[name] + 1}
    assert level(again, deterministic=False) is Level.WARN
    assert level(again, deterministic=True) is Level.IRREPRODUCIBLE


@pytest.mark.parametrize(("again", "expected"), [(1.0005, Level.WARN), (1.01, Level.IRREPRODUCIBLE)])
def test_a_loss_is_compared_whatever_the_kernels(again, expected):
    """A thousandth is borne where kernels may differ, a hundredth is not."""
    assert level({**FIRST, "raw_total": again}, deterministic=False) is expected


def test_a_rank_hears_of_another_one():
    """Its own numbers came again, and it ends like the one whose did not."""
    verdict = irreproducible_elsewhere(WARNED)
    assert verdict.level is Level.IRREPRODUCIBLE
    assert "another rank" in verdict.message
    assert [alarm.law for alarm in verdict.fresh] == ["GUARD-004", "NUM-002"]
    assert not law("NUM-002").predicate(differing=("numbers of another rank",)).passed
