"""A guard whose state went through a checkpoint says the same afterwards, wherever the cut was (law GUARD-002)."""

import json
import math
import random

import pytest

from neuromf.any_loop.guard import Guard
from neuromf.errors import InputError


def curves():
    draw = random.Random(1)
    noise = [math.exp(0.1 * draw.gauss(0, 1)) for _ in range(500)]
    rise = [a * b for a, b in zip(noise, [1.0] * 330 + [1.05**k for k in range(170)], strict=True)]
    spiky = [8 * a if k > 300 and k % 11 == 0 else a for k, a in enumerate(noise)]
    signed = [a - 3 * (1 - 0.98**k) if k < 400 else 1_000.0 for k, a in enumerate(noise)]
    zero = [0.0 if k < 20 else a for k, a in enumerate(noise)]
    return {
        "rise": rise,
        "spiky": spiky,
        "signed": signed,
        "zero": zero,
        "flat": [0.5] * 90,
        "nan": [1.0, math.nan] * 9,
    }


CURVES = curves()
OPTIONS = {"patience": 120, "nothing": 3.0}


def told(place, loss):
    return {"raw_loss": loss, "loss": loss / (loss + 0.1) if loss > 0 else loss, "grad_norm": float(place % 70 > 60),
            "skipped": place % 90 > 60, "raw_fm": 1.0, "raw_mf": 1.0 + place / 40}  # fmt: skip


def words(guard, curve, first=0):
    return [str(guard.step(**told(first + place, loss))) for place, loss in enumerate(curve)]


@pytest.mark.law("GUARD-002")
@pytest.mark.parametrize("name", CURVES)
def test_a_cut_at_any_step_changes_no_verdict(name):
    """The state as JSON, and the fresh alarms with it."""
    curve = CURVES[name]
    whole = words(Guard(**OPTIONS), curve)
    assert any("all is well" not in word for word in whole)
    guard = Guard(**OPTIONS)
    for place, loss in enumerate(curve):
        assert [str(guard.step(**told(place, loss)))] == whole[place : place + 1]
        state, guard = json.loads(json.dumps(guard.state_dict())), Guard(**OPTIONS)
        guard.load_state_dict(state)


@pytest.mark.law("GUARD-002")
def test_what_was_told_before_a_cut_is_not_fresh_after_it():
    """A person hears each thing once."""
    guard = Guard()
    guard.step(math.nan)
    other = Guard()
    other.load_state_dict(guard.state_dict())
    verdict = other.step(math.nan)
    assert verdict.stop
    assert verdict.fresh == ()


@pytest.mark.parametrize("state", [{}, {"step": 1}, {"step": "x", "rules": {}}, None, []])
def test_a_state_of_something_else_is_refused(state):
    """In one sentence."""
    with pytest.raises(InputError, match="no state of a guard"):
        Guard().load_state_dict(state)


def test_a_state_that_comes_too_late_is_refused():
    """Steps have been judged."""
    guard = Guard()
    guard.step(1.0)
    with pytest.raises(InputError, match="judged steps already"):
        guard.load_state_dict(Guard().state_dict())
