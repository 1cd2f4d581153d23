"""Paired differences, the winner, who cannot be told from it, and the page."""

import csv
import io
import json
import math
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from scipy import stats

from neuromf.cli.sweep_console import interval, sentences
from neuromf.json_text import json_text
from neuromf.report.sweep_chart import HEAD, ROW, differences_svg
from neuromf.report.sweep_page import sweep_page
from neuromf.sweep.differences import paired_difference
from neuromf.sweep.result import arms_table, document, sweep_result, write_result
from tests.support.fake_sweep import FakeJobs, make_session, make_sweep

LOSSES = {"00": (3.0, 3.4, 3.2), "01": (2.0, 2.45, 2.2), "02": (2.1, 2.3, 2.3), "03": (9.0, 3.3, 1.0)}
"""Of each arm by seed: two clearly better than the base and like each other, one that is all noise."""
losses = st.lists(st.floats(-5, 5), min_size=2, max_size=6)


@given(first=losses, second=losses)
def test_an_interval_is_that_of_the_paired_t_test(first, second):
    """As scipy computes it."""
    count = min(len(first), len(second))
    one, other = np.array(first[:count]), np.array(second[:count])
    found = paired_difference(dict(enumerate(one.tolist())), dict(enumerate(other.tolist())))
    assert found.mean == pytest.approx((one - other).mean(), abs=1e-12)
    if np.ptp(one - other) > 1e-6:  # scipy gives no interval of equal differences
        expected = stats.ttest_rel(one, other).confidence_interval(0.95)
        assert (found.low, found.high) == (pytest.approx(expected.low, rel=1e-6, abs=1e-9),
                                           pytest.approx(expected.high, rel=1e-6, abs=1e-9))  # fmt: skip


@pytest.mark.law("OBS-002")
def test_seeds_are_paired_by_their_number():
    """Not by their order, and one that only one arm has is left out."""
    found = paired_difference({5: 1.0, 2: 3.0, 9: 7.0}, {2: 2.0, 5: 0.0})
    assert (found.low, found.high, found.pairs) == (1.0, 1.0, 2)


@pytest.mark.parametrize("first", [{0: 1.0}, {0: 1.0, 1: math.inf}])
def test_one_pair_or_a_diverged_run_has_no_interval(first):
    """So nothing is said of whether it is apart."""
    assert paired_difference(first, {0: 0.5, 1: 0.6}).is_apart is None


@pytest.fixture
def result(tmp_path):
    """A finished sweep of four arms and three seeds."""
    jobs = FakeJobs(lambda folder, seed, steps: LOSSES[folder[:2]][seed])
    sweep = make_sweep(seeds=[0, 1, 2])
    session = make_session(sweep, tmp_path / "sweep", jobs)
    whole = session.run()
    return sweep_result(sweep, "s.yaml", session.records, whole=whole, steps=session.spent.steps, hours=1.25)


def test_the_winner_has_the_lowest_mean(result):
    """Of arms 1 and 2, whose means are 2.2167 and 2.2333."""
    assert result.winner is result.arms[1]


def test_who_cannot_be_told_from_the_winner_is_listed(result):
    """SweepArm 2, and arm 3 whose seeds scatter; not the base, which is worse with every seed."""
    assert [arm.record.arm.number for arm in result.like_the_winner] == [2, 3]


def test_an_arm_is_held_to_the_base_by_seed(result):
    """A mean of -0.983, as far below in each seed."""
    found = result.arms[1].from_base
    assert found.mean == pytest.approx(np.mean([-1.0, -0.95, -1.0]))
    assert found.is_apart is True
    assert result.arms[3].from_base.is_apart is False


def test_the_document_holds_every_value_and_is_json(result):
    """Each seed at each rung."""
    held = json.loads(json_text(document(result)))
    assert held["winner"] == "meanflow.norm_p=0.25"
    assert held["arms"][3]["values"]["8"] == {"0": 9.0, "1": 3.3, "2": 1.0}
    assert held["like_the_winner"] == ["meanflow.norm_p=0.5", "meanflow.norm_p=0.75"]


def test_the_table_has_a_row_an_arm(result):
    """With its seeds and its difference."""
    rows = list(csv.DictReader(io.StringIO(arms_table(result))))
    assert [row["arm"] for row in rows] == [arm.record.arm.name for arm in result.arms]
    assert [float(rows[1][f"seed_{seed}"]) for seed in range(3)] == list(LOSSES["01"])
    assert float(rows[1]["from_base"]) == pytest.approx(result.arms[1].from_base.mean)
    assert rows[0]["from_base"] == ""


def test_the_winners_configuration_loads_to_the_winner(result, tmp_path):
    """With the first seed."""
    from neuromf.config.load import load_config

    write_result(tmp_path, result)
    assert load_config([tmp_path / "winner.yaml"]) == result.winner.record.arm.config


def test_the_page_shows_each_number_of_the_table(result):
    """Names, means and ends of the intervals, and the sentences."""
    page = sweep_page(result, sentences(result))
    for arm in result.arms:
        assert arm.record.arm.name in page
        assert f"{arm.record.mean:.4g}" in page
    assert all(f">{value:g}<" in page for value in LOSSES["03"])
    assert "<svg" in page
    assert "cannot tell it from: meanflow.norm_p=0.5; meanflow.norm_p=0.75." in page


def test_the_console_marks_what_is_apart(result):
    """With a star, and says how many stars chance gives."""
    assert interval(result.arms[1].from_base).endswith("*")
    assert not interval(result.arms[3].from_base).endswith("*")
    assert any("0.1 would have one" in sentence or "0.2 would have one" in sentence for sentence in sentences(result))


@pytest.mark.law("OBS-002")
def test_the_chart_has_a_row_an_arm_at_its_differences(result, monkeypatch):
    """The seeds as points, the mean as a mark, the interval as a line, and room for each arm."""
    drawn = []
    real = Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda self, *a, **k: drawn.append((a, k)) or real(self, *a, **k))
    arms, base = result.arms[1:], result.arms[0]
    whole = differences_svg(arms, base, "val_raw")
    for place, arm in enumerate(arms):
        (seeds, _), (ends, _), (mean, _) = drawn[3 * place : 3 * place + 3]
        losses, others = LOSSES[f"{arm.record.arm.number:02d}"], LOSSES["00"]
        assert seeds[0] == pytest.approx([one - other for one, other in zip(losses, others, strict=True)])
        assert (ends[0], mean[0]) == ([arm.from_base.low, arm.from_base.high], [arm.from_base.mean])
        assert {*seeds[1], *ends[1], *mean[1]} == {place}
    heights = [float(ElementTree.fromstring(svg).get("height").removesuffix("pt"))
               for svg in (differences_svg(arms[:1], base, "val_raw"), whole)]  # fmt: skip
    assert heights == pytest.approx([72 * (HEAD + ROW * count) for count in (1, len(arms))], abs=0.01)
