"""The bisect's simulation made again, as far as a few minutes go."""

from pathlib import Path

import pandas as pd
import pytest

from tools.studies.bisect_simulation.scenarios import SCENARIOS
from tools.studies.bisect_simulation.simulation import ENGINE, simulate
from tools.studies.bisect_simulation.simulation_table import BARRED, EXACT_BAR, read_trials, trial_frame, within_bar

STORED = Path(__file__).parents[2] / "golden/bisect/simulation.csv"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_forty_draws_come_out_as_stored(scenario):
    """The bisect on every kind of breakage, number by number."""
    made = trial_frame(simulate(range(40), [scenario], [ENGINE]))
    stored = read_trials(STORED)
    kept = stored[(stored["trial"] < 40) & (stored["scenario"] == scenario.name) & (stored["algorithm"] == ENGINE)]
    pd.testing.assert_frame_equal(made, kept.reset_index(drop=True))


@pytest.mark.parametrize("name", BARRED)
def test_two_hundred_other_draws_meet_the_bar(name):
    """At least 95 % exact within 25 probes plus verification, on draws that no constant was chosen by."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    made = trial_frame(simulate(range(10_000, 10_200), [scenario], [ENGINE]))
    assert within_bar(made).value >= EXACT_BAR
