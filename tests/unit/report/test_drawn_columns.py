"""Every line on a report's page has the course of the column that its title, its class and its legend name."""

from __future__ import annotations

import json

import matplotlib as mpl
import numpy as np
import pytest

from neuromf.report import block_charts, run_charts, time_histograms
from neuromf.report.block_charts import block_picture
from neuromf.report.charts import LOSS_CHARTS, draw
from neuromf.report.run_charts import DETAILS, LOSS, chart_lines, detail_pictures, loss_pictures
from neuromf.report.run_facts import read_runs
from neuromf.report.time_histograms import EDGES, drawn_times, time_pictures
from neuromf.training.batches.times import draw_step_times
from tests.support.drawn_paths import axis_labels, drawn_lines, is_course_of, legend
from tests.support.reported_run import HALT, STEPS_PER_EPOCH, WARNING, write_run
from tests.support.told_numbers import FLOATS, cell, telling_rows

pytestmark = pytest.mark.law("OBS-002")

STEPS = 24
ROWS = telling_rows(STEPS)
LOG, LINEAR = np.log10, np.asarray
LOSS_UNIT = "squared latent per dim"
TITLES = {
    "Raw loss of FM and MF samples": (("raw_fm", "raw_mf"), LOG, LOSS_UNIT),
    "Raw loss by channel": (("raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3"), LOG, LOSS_UNIT),
    "Weighted loss and objective": (("weighted", "objective"), LINEAR, "no unit"),
    "Gradient norm before the clip": (("grad_norm",), LOG, "global norm"),
    "Learning rate": (("lr",), LINEAR, "per step"),
    "EMA gap": (("ema_gap",), LOG, "|average - weights| / |weights|"),
    "rho: share of the correction": (("rho",), LOG, "|(t-r) du/dt| / (|u|+|v|)"),
    "Raw loss": (("raw_total", "raw_fm", "raw_mf"), LOG, LOSS_UNIT),
}  # fmt: skip
"""What each title promises: columns, scale of the axis, and its unit."""


@pytest.fixture(autouse=True)
def _every_point(monkeypatch):
    """Matplotlib leaves out points that hardly bend a line, unless it is told not to."""
    monkeypatch.setitem(mpl.rcParams, "path.simplify", False)


def values(column, rows=ROWS):
    return np.array([float(row["step"]) if column == "step" else cell(row, column) for row in rows])


def columns_of(line, scale, rows=ROWS):
    """The columns whose course a drawn line has; one alone, as no two are alike."""
    return [name for name in FLOATS if is_course_of(line.y, scale(values(name, rows)), up=True)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    return read_runs([write_run(folder / "run", rows=ROWS, events=[WARNING, HALT])])[0]


@pytest.fixture(scope="module")
def alone(run):
    return loss_pictures([run])


def test_every_chart_draws_the_columns_that_its_title_names(run):
    """One line a column over the steps, named in the legend by its colour."""
    pictures = detail_pictures([run])
    assert [picture.title for picture in pictures] == [chart.title for chart in DETAILS]
    for picture in pictures:
        columns, scale, unit = TITLES[picture.title]
        lines, named = drawn_lines(picture.svg), legend(picture.svg)
        assert {unit, "optimiser step"} <= axis_labels(picture.svg)
        assert tuple(named) == columns
        assert len(lines) == len(columns)
        for line, column in zip(lines, columns, strict=True):
            assert line.classes == ("run0", column)
            assert columns_of(line, scale) == [column]
            assert is_course_of(line.x, values("step"), up=False)
            assert named[column] == (line.colour, line.dashes)
        assert len({line.colour for line in lines}) == len(lines)


def test_the_page_of_the_gate_draws_the_columns_that_its_titles_name():
    """The smoke training's charts, whose lines have no classes."""
    assert [chart.title for chart in LOSS_CHARTS] == list(
        dict.fromkeys(["Raw loss", "Weighted loss and objective", "Raw loss by channel", "Learning rate"])
    )
    for chart in LOSS_CHARTS:
        columns, scale, unit = TITLES[chart.title]
        assert (chart.columns, chart.unit, chart.log) == (columns, unit, scale is LOG)
    assert tuple(legend(LOSS_CHARTS[0].svg(ROWS))) == LOSS_CHARTS[0].columns


@pytest.mark.parametrize("count", [1, 2])
def test_raw_and_weighted_loss_are_drawn_on_both_scales(run, alone, tmp_path, count):
    """Each of the four versions shows both columns of each run, on the scale by which the page switches it."""
    rows, pictures = {"run0": ROWS}, alone
    if count == 2:
        rows["run1"] = [row | {"step": step} for step, row in enumerate(telling_rows(21)[::-1])]
        pictures = loss_pictures(read_runs([run.folder.root, write_run(tmp_path / "other", rows=rows["run1"])]))
    assert [picture.classes for picture in pictures] == ["log wide", "log narrow", "linear wide", "linear narrow"]
    for picture in pictures:
        lines = [line for line in drawn_lines(picture.svg) if len(line.classes) == 2]
        assert [line.classes for line in lines] == [(name, c) for name in rows for c in ("raw_total", "weighted")]
        for line in lines:
            name, column = line.classes
            scale = LOG if "log" in picture.classes else LINEAR
            assert columns_of(line, scale, rows[name]) == [column]
            assert is_course_of(line.x, values("step", rows[name]), up=False)


def test_lines_hold_the_numbers_of_the_trace(run):
    """Unchanged, in the trace's unit."""
    for chart in (LOSS, *DETAILS):
        for line, column in zip(chart_lines([run], chart.columns), chart.columns, strict=True):
            assert line.x.tolist() == values("step").tolist()
            assert line.y.tolist() == pytest.approx(values(column).tolist())


def test_bold_lines_are_the_medians_of_sixtieths_of_the_run(tmp_path, monkeypatch):
    """Of a long run, over the middle of each sixtieth; the faint line beside it has every step."""
    rows = telling_rows(240)
    (long,) = read_runs([write_run(tmp_path / "run", rows=rows)])
    monkeypatch.setattr(run_charts, "DETAILS", LOSS_CHARTS[3:])
    (picture,) = detail_pictures([long])
    faint, bold = drawn_lines(picture.svg)
    assert is_course_of(faint.y, values("lr", rows), up=True)
    assert (faint.width < bold.width, faint.opacity < bold.opacity) == (True, True)
    medians = np.median(values("lr", rows).reshape(60, 4), axis=1)
    steps = np.median(values("step", rows).reshape(60, 4), axis=1)
    slope, offset = np.polyfit(values("lr", rows), faint.y, 1)
    assert bold.y == pytest.approx(slope * medians + offset, abs=0.02)
    across, start = np.polyfit(values("step", rows), faint.x, 1)
    assert bold.x == pytest.approx(across * steps + start, abs=0.02)


def test_an_alarm_stands_at_its_step_with_the_name_of_its_law(run, alone):
    """A warning dashed, a halt whole, both where the axis has their step."""
    wide = alone[0].svg
    drawn = drawn_lines(wide)
    line = next(line for line in drawn if line.classes == ("run0", "raw_total"))
    across, start = np.polyfit(values("step"), line.x, 1)
    marks = [mark for mark in drawn if mark.classes == ("run0",)]
    assert [(mark.x[0], bool(mark.dashes)) for mark in marks] == [
        (pytest.approx(across * event.step + start, abs=0.02), event.level == "warn") for event in (WARNING, HALT)
    ]
    assert {WARNING.law, HALT.law} <= axis_labels(wide)


BLOCKS = {"conv_in": 0.5, "down.0": 3.0, "out": 20.0}


def test_each_block_has_its_own_norms_by_epoch(tmp_path, monkeypatch):
    """A line a block, named in the legend, over the epochs."""
    folder = write_run(tmp_path / "run", rows=ROWS)
    records = json.loads((folder / "training_summary.json").read_text())
    numbers = np.random.default_rng(0)
    norms = {name: numbers.uniform(1, 3, len(records)) * size for name, size in BLOCKS.items()}
    for place, record in enumerate(records):
        record["grad_norm_per_block"] = {name: float(course[place]) for name, course in norms.items()}
    (folder / "training_summary.json").write_text(json.dumps(records))
    (read,) = read_runs([folder])
    held = []
    monkeypatch.setattr(block_charts, "draw", lambda lines, frame: held.extend(lines) or draw(lines, frame))
    picture = block_picture(read, alone=True)
    assert picture is not None
    assert [line.x.tolist() for line in held] == [[*range(len(records))]] * len(BLOCKS)
    assert [line.y.tolist() for line in held] == [course.tolist() for course in norms.values()]
    lines, named = drawn_lines(picture.svg), legend(picture.svg)
    assert list(named) == list(BLOCKS)
    assert {"epoch", "norm at the epoch's last step"} <= axis_labels(picture.svg)
    assert len(records) == STEPS // STEPS_PER_EPOCH
    for line, name in zip(lines, BLOCKS, strict=True):
        assert [other for other in BLOCKS if is_course_of(line.y, np.log10(norms[other]), up=True)] == [name]
        assert is_course_of(line.x, np.arange(len(records), dtype=float), up=False)
        assert named[name][0] == line.colour


def test_histograms_are_of_the_times_that_the_run_drew(run, monkeypatch):
    """All t, and t - r of those samples with r < t, as densities."""
    config = run.config
    size = config.training.batch_size_per_gpu * config.training.gradient_accumulation_steps * config.training.gpus
    pairs = [draw_step_times(config, step, 0, size) for step in range(STEPS)]
    t, r = (np.concatenate([getattr(pair, name) for pair in pairs]) for name in ("t_B", "r_B"))
    times = drawn_times(run)
    expected = {"t of all samples": t, "t - r of MF samples": (t - r)[t > r]}
    assert (times.t.tolist(), sorted(times.gap)) == (t.tolist(), sorted(expected["t - r of MF samples"]))
    share = 100 * float(np.mean(r == t))
    assert times.note == f"{len(t):,} pairs of all {STEPS} steps; r = t in {share:.1f} % of them"
    held = []
    monkeypatch.setattr(time_histograms, "draw", lambda lines, frame: held.extend(lines) or draw(lines, frame))
    pictures = time_pictures([run], [times])
    for line, values in zip(held, expected.values(), strict=True):
        assert line.x.tolist() == np.repeat(EDGES, 2).tolist()
        assert line.y[1:-1].tolist() == pytest.approx(
            np.repeat(np.histogram(values, EDGES, density=True)[0], 2).tolist()
        )
    for picture in pictures:
        (line,) = drawn_lines(picture.svg)
        density = np.histogram(expected[picture.title], EDGES, density=True)[0]
        heights = np.repeat(density, 2)
        slope, offset = np.polyfit(heights, line.y[1:-1], 1)
        assert slope < 0
        assert line.y[1:-1] == pytest.approx(slope * heights + offset, abs=0.02)
        assert {"density", picture.title.partition(" of")[0]} <= axis_labels(picture.svg)
