"""Every line of an evaluation's charts has the numbers that its title and its legend name."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from neuromf.evaluation.metrics.bootstrap import Interval
from neuromf.evaluation.metrics.spectrum import decibels
from neuromf.evaluation.metrics.tissue import TISSUES
from neuromf.evaluation.result import MeasuredRow
from neuromf.report import evaluation_charts as charts
from neuromf.report.charts import COLOURS, INK
from tests.support.drawn_paths import axis_labels, legend

pytestmark = pytest.mark.law("OBS-002")

STEPS = (1, 4, 50)
KEY = "sliced_wasserstein"
EVALUATED = {1: (9.0, 7.0, 12.0), 4: (5.0, 4.0, 5.5), 50: (3.0, 2.5, 3.25)}
BASELINES = {"held-out scans, halved": 2.0, "noise of the same moments": 14.0}


@pytest.fixture
def drawn(monkeypatch):
    """What is handed to the drawing of a chart, by the chart's title."""
    kept = {}

    def keep(lines, frame):
        kept[frame.title] = (lines, frame)
        return real(lines, frame)

    real = charts.draw
    monkeypatch.setattr(charts, "draw", keep)
    return kept


def population(seed):
    """Tissues in ml and spectra of seven heads."""
    draw = np.random.default_rng(seed)
    tissues = draw.uniform(100, 900, (7, len(TISSUES)))
    return SimpleNamespace(described=SimpleNamespace(tissues=tissues, spectrum=draw.uniform(1, 9, (7, 16))))


@pytest.fixture
def found():
    """An evaluation with three numbers of evaluations, of which the second has no features."""
    rows = [MeasuredRow(f"{steps} evaluations", steps, {KEY: Interval(*EVALUATED[steps])}) for steps in STEPS]
    rows += [MeasuredRow(name, None, {KEY: Interval(value, value, value)}) for name, value in BASELINES.items()]
    samples = {1: population(1), 4: SimpleNamespace(described=None), 50: population(2)}
    nearness = {steps: SimpleNamespace(ratios=np.array([0.2, 0.9, 1.1, np.nan]) * steps) for steps in STEPS}
    return SimpleNamespace(
        evaluation=SimpleNamespace(rows=rows),
        material=SimpleNamespace(samples=samples, held_out=population(0)),
        measured=SimpleNamespace(nearness=nearness),
    )


def test_distances_stand_over_the_number_of_evaluations(drawn, found):
    """The value, both ends of its interval, and each baseline as a level line across all of them."""
    svg = dict(charts.evaluation_charts(found))["Sliced Wasserstein distance of latents"]
    lines, frame = drawn["Sliced Wasserstein distance of latents"]
    for place, line in enumerate(lines[:3]):
        assert line.x.tolist() == np.log2(STEPS).tolist()
        assert line.y.tolist() == [EVALUATED[steps][place] for steps in STEPS]
        assert (line.colour, line.dashes) == (COLOURS[0], ("-", ":", ":")[place])
    for line, (name, value), colour in zip(lines[3:], BASELINES.items(), (INK, COLOURS[1]), strict=True):
        assert (line.label, line.colour, line.dashes) == (name, colour, "--")
        assert (line.x.tolist(), line.y.tolist()) == ([0.0, np.log2(50)], [value, value])
    assert [line.label for line in lines[:3]] == ["samples", "", ""]
    assert set(legend(svg)) == {"samples", *BASELINES}
    assert {"1e-3 latent", "log2 of network evaluations"} <= axis_labels(svg)
    assert frame.unit == "1e-3 latent"


def test_spectra_are_the_mean_of_those_that_have_features(drawn, found):
    """In decibels over cycles a voxel, held-out scans dashed in grey."""
    charts.evaluation_charts(found)
    lines, frame = drawn["Power spectrum"]
    sources = {charts.REAL: found.material.held_out, **{f"{n} evaluations": found.material.samples[n] for n in (1, 50)}}
    assert [line.label for line in lines] == list(sources)
    for line, one, colour in zip(lines, sources.values(), (INK, *COLOURS), strict=False):
        assert line.y == pytest.approx(decibels(one.described.spectrum).mean(0))
        assert line.x == pytest.approx((np.arange(len(line.y)) + 0.5) / (2 * len(line.y)))
        assert (line.colour, line.dashes) == (colour, "--" if line.label == charts.REAL else "-")
    assert (frame.unit, frame.across) == ("dB", "cycles a voxel")


def shares(line):
    """Height of each bin of an outline, which begins and ends on the axis and goes up and down at the same place."""
    x, y = np.asarray(line.x), np.asarray(line.y)
    assert (y[0], y[-1]) == (0, 0)
    assert (x[0::2] == x[1::2]).all()
    assert (y[1:-1:2] == y[2:-1:2]).all()
    return x[0::2], y[1:-1:2]


@pytest.mark.parametrize("place", range(len(TISSUES)))
def test_a_histogram_of_a_tissue_has_the_share_of_each_bin(drawn, found, place):
    """All populations on the same bins, which hold every head."""
    charts.evaluation_charts(found)
    lines, frame = drawn[f"Volume of {TISSUES[place]}"]
    sources = [found.material.held_out, found.material.samples[1], found.material.samples[50]]
    assert [line.label for line in lines] == [charts.REAL, "1 evaluations", "50 evaluations"]
    together = np.concatenate([one.described.tissues[:, place] for one in sources])
    for line, one in zip(lines, sources, strict=True):
        edges, height = shares(line)
        assert (edges[0], edges[-1]) == pytest.approx((together.min(), together.max()))
        own = one.described.tissues[:, place]
        expected = [((own >= low) & (own < high)).mean() for low, high in itertools.pairwise(edges)]
        assert height == pytest.approx(expected)
    assert (frame.unit, frame.across) == ("share", "ml")


def test_nearness_is_drawn_of_the_fewest_and_the_most_evaluations(drawn, found):
    """Without what is not a number."""
    charts.evaluation_charts(found)
    lines, _ = drawn["Nearness to training scans"]
    assert [line.label for line in lines] == ["1 evaluations", "50 evaluations"]
    for line in lines:
        assert shares(line)[1].sum() == pytest.approx(1)


def test_a_histogram_without_a_number_is_drawn_empty(drawn):
    """As where no sample has a tissue."""
    charts._histogram("Nothing", "ml", {"a": np.array([np.nan])})
    edges, height = shares(drawn["Nothing"][0][0])
    assert (edges[0], edges[-1]) == pytest.approx((0, 1))
    assert height.tolist() == [0] * charts.BINS
