"""The trainings that the replay kept, through the guard."""

import pytest

from tools.studies.guard.longer import FOLDER, KINDS, judge_longer, kind_of
from tools.studies.guard.rules import LONGER


@pytest.fixture(scope="module")
def rows():
    """All of them, judged."""
    return judge_longer()


def test_every_kept_training_is_judged(rows):
    """One row a file, of each kind some."""
    assert len(rows) == len(list(FOLDER.glob("epochs*/*.csv"))) >= 40
    assert {row["kind"] for row in rows} == set(KINDS)


def test_the_kinds_are_what_became_of_the_trainings(rows):
    """Healthy ones end below a tenth of predicting nothing, half repaired ones below 20 x, the others above 100 x."""
    ends = {kind: [row["last_level"] for row in rows if row["kind"] == kind] for kind in KINDS}
    assert max(ends["healthy"]) < 0.1
    assert max(ends["half repaired"]) < 20
    assert min(ends["exploding"]) > 100


def test_only_trainings_that_are_not_healthy_are_spoken_of(rows):
    """No rule errs in 540 epochs, and each exploding training is halted within 35."""
    for row in rows:
        spoken = [rule for rule in LONGER if rule in row]
        assert bool(spoken) == (row["kind"] != "healthy"), row
        halted = min((row[rule] for rule in spoken if rule.endswith("halt")), default=None)
        assert (halted is not None and halted <= 35) == (row["kind"] == "exploding"), row


def test_a_repair_that_is_not_listed_explodes():
    """Nothing counts as healthy by default."""
    assert kind_of("anything else") == "exploding"
