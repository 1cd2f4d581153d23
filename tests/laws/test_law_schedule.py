"""The trainer's learning-rate multiplier against laws LR-001 and LR-002."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.training.step.schedule import lr_multiplier

SCHEDULES = st.sampled_from(["constant", "cosine", "linear"])
RUNS = st.tuples(st.integers(1, 20_000), st.integers(0, 20_000)).map(lambda pair: (max(pair), min(pair)))


@pytest.mark.law("LR-001")
@given(schedule=SCHEDULES, run=RUNS)
def test_first_step_is_never_wasted(schedule, run):
    """Step 0 has multiplier exactly 1.0 without warm-up, whatever the schedule, and is above 0 with it."""
    total, warmup = run
    for steps in (0, warmup):
        multiplier = lr_multiplier(0, total, steps, schedule)
        assert law("LR-001").predicate(multiplier=multiplier, schedule=schedule, warmup_steps=steps).passed


@pytest.mark.law("LR-001")
@pytest.mark.parametrize("warmup", [0, 100])
def test_ramp_from_zero_breaks_the_law(warmup):
    """The ramp step/max(warmup, 1), which the review saw, is rejected at step 0 with and without warm-up."""
    multiplier = 0 / max(warmup, 1)
    assert not law("LR-001").predicate(multiplier=multiplier, schedule="constant", warmup_steps=warmup).passed


@pytest.mark.law("LR-002")
@given(schedule=SCHEDULES, run=RUNS, share=st.floats(0, 1, exclude_max=True))
def test_multiplier_is_the_closed_form(schedule, run, share):
    """The multiplier of any step of any run is the schedule's closed form."""
    total, warmup = run
    step = int(share * total)
    judged = law("LR-002").predicate(
        multiplier=lr_multiplier(step, total, warmup, schedule),
        step=step,
        total_steps=total,
        warmup_steps=warmup,
        schedule=schedule,
    )
    assert judged.passed, judged


@pytest.mark.law("LR-002")
@given(schedule=st.sampled_from(["cosine", "linear"]), total=st.integers(10, 20_000))
def test_a_schedule_stepped_per_micro_batch_breaks_the_law(schedule, total):
    """Advancing the schedule four times per optimiser step is rejected half-way through the run."""
    step = total // 2
    multiplier = lr_multiplier(min(4 * step, total - 1), total, 0, schedule)
    arguments = {"step": step, "total_steps": total, "warmup_steps": 0, "schedule": schedule}
    assert not law("LR-002").predicate(multiplier=multiplier, **arguments).passed
