"""What a check of a torch loop says: the number, its unit and the bound, each as it was found."""

from __future__ import annotations

import pytest
import torch

from neuromf.any_loop.silent import findings
from neuromf.any_loop.silent.clip_look import SAME, ClipLook
from neuromf.monitor.guard.alarm import Level

NAMES = ["a.weight", "b.weight", "c.weight", "d.bias", "e.bias"]
SHOWN = "a.weight, b.weight, c.weight and 2 more"


def clipped_to(norm, limit):
    """The word of the last of so many looks at one norm."""
    look = ClipLook(limit)
    for _ in range(SAME - 1):
        assert look.look([torch.tensor([norm])]) == []
    return look.look([torch.tensor([norm])])


SAID = [
    ("OPT-002", Level.WARN, "5 of 9 parameters never moved in 40 steps", "0",
     f"{SHOWN}; leave them out of the optimiser or name them in `idle`", lambda: findings.never_moved(NAMES, 9, 40)),
    ("OPT-004", Level.WARN, "7 steps in a row without an update", "0", "why", lambda: findings.no_update(7, "why")),
    ("NUM-001", Level.NONFINITE, "5 parameters", "finite", SHOWN, lambda: findings.broken_weights(NAMES)),
    ("LR-002", Level.WARN, "0.25 learning rate", "= 0.125", "at update 30, counted from 0",
     lambda: findings.rate_off([0.125, 0.25], 0.125, 30)),
    ("EMA-003", Level.WARN, "5 buffers", "as before", SHOWN, lambda: findings.evaluation_changed(NAMES, "buffers")),
    ("OPT-005", Level.WARN, "0.5 gradient norm", "= 2",
     "at 5 looks in a row: it is clipped to that, perhaps before its scale is taken off", lambda: clipped_to(0.5, 2.0)),
]  # fmt: skip


@pytest.mark.law("OBS-003")
@pytest.mark.parametrize(("law", "level", "value", "bound", "detail", "say"), SAID, ids=[row[0] for row in SAID])
def test_an_alarm_of_a_torch_loop_gives_number_unit_and_bound(law, level, value, bound, detail, say):
    """And what to look at, in one sentence."""
    (alarm,) = say()
    assert (alarm.law, alarm.level, alarm.value, alarm.bound) == (law, level, value, bound)
    assert alarm.message.endswith(f" ({value}, bound {bound}; {detail})")
