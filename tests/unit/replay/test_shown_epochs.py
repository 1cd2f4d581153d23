"""Every number that `neuromf replay` prints, recomputed from the records and from curves whose numbers all differ."""

from __future__ import annotations

import csv
import math
import statistics
import tomllib
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import neuromf.replay.picture
from neuromf.checkout import golden_folder
from neuromf.cli import replay
from neuromf.config.derived import epoch_of_step
from neuromf.replay.recorded import RUNS
from neuromf.replay.rules import rules
from neuromf.replay.small_scale import REPAIRS
from neuromf.replay.train import COLUMNS, epoch_curve
from neuromf.replay.verdict import RepairVerdict, judge_repairs
from tests.support.tiny_run import make_tiny_config
from tests.support.told_numbers import telling_rows

pytestmark = pytest.mark.law("OBS-002")

DIMS, CHANNELS = 442_368, 4


def cells(text: str) -> list[list[str]]:
    """Rows of rich tables; a cell that is broken over lines is joined."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.replace("┃", "│").split("│")[1:-1]]
        if parts and not parts[0] and rows:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], parts, strict=True)]
        elif parts:
            rows.append(parts)
    return rows


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What is printed of each recorded run."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neuromf.replay.picture, "draw_recorded", lambda path, *_: path.touch())
        for name, run in RUNS.items():
            stream = StringIO()
            console = Console(file=stream, width=400)
            patch.setattr("neuromf.cli.console.make_console", lambda console=console: console)
            replay._recorded(run, tmp_path_factory.mktemp(name))
            found[name] = stream.getvalue()
    return found


@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_epoch_is_weighted_as_its_run_weighted_it(printed, name):
    """Epoch, raw loss, a term's sum, its multiple of c, the weighted loss and the potential, each under its heading."""
    folder = golden_folder().joinpath(name)
    facts = {fact["name"]: fact["value"] for fact in tomllib.loads(folder.joinpath("facts.toml").read_text())["fact"]}
    records = list(csv.DictReader(StringIO(folder.joinpath("curve.csv").read_text())))
    terms, c = {"failed_225": 2, "public_v1": 1}[name], facts["norm_eps"]
    expected = []
    for record in records:
        total = record.get("sum", "") or sum(float(record[f"ch{i}"]) for i in range(4) if "ch0" in record)
        if float(total):
            term = float(total) * DIMS / CHANNELS / terms
            short = terms - terms * term / (term + c)
            row = (f"{float(total):,.0f}", f"{term:.3g}", f"{term / c:.2g}", f"{terms:.7f}")
            potential = terms * math.log1p(term / c)
            expected.append([record["epoch"], *row, (terms, short), f"{potential:.2f}"])
    header, *rows = cells(printed[name])
    assert header == ["epoch", "raw loss", "one term, summed", "L/c", "printed (float32)", "in float64", "objective"]
    for shown, wanted in zip(rows, expected, strict=False):
        whole, _, short = shown[5].partition(" - ")
        assert (int(whole), float(short)) == (wanted[5][0], pytest.approx(wanted[5][1], rel=0.06))
        assert shown[:4] + shown[6:] == wanted[:4] + wanted[6:]
        assert float(shown[4]) == pytest.approx(float(wanted[4]), abs=2e-6)


@pytest.mark.parametrize("name", RUNS)
def test_a_rule_is_told_with_its_epoch_and_what_it_would_have_saved(printed, name):
    """What is left of the run after that epoch: of its hours where they are known, else in per cent."""
    folder = golden_folder().joinpath(name)
    epochs = {"failed_225": 225, "public_v1": 500}[name]
    hours = None
    if folder.joinpath("clock.toml").is_file():
        clock = tomllib.loads(folder.joinpath("clock.toml").read_text())
        hours = (clock["stopped"] - clock["started"]).total_seconds() / 3600 * clock["gpus"]
    rows = cells(printed[name])
    start = next(place for place, row in enumerate(rows) if row[0] == "rule")
    assert rows[start][3] == ("of the run saved" if hours is None else "A100-hours saved")
    shown = rows[start + 1 :]
    assert [row[0] for row in shown] == [rule.name for rule in rules(RUNS[name])]
    for row, rule in zip(shown, rules(RUNS[name]), strict=True):
        epoch = {None: "never", 0: "before the launch"}.get(rule.epoch, str(rule.epoch))
        left = 0.0 if rule.epoch is None else 1 - rule.epoch / epochs
        saved = f"{left * hours:.1f}" if hours else f"{100 * left:.0f} %"
        assert row == [rule.name, rule.law, epoch, saved if rule.halts else "warns only", " ".join(rule.says.split())]


def test_a_verdict_on_repairs_has_its_numbers_under_their_headings():
    """Seeds, start, ends from low to high, FM end, weighted loss with its spread."""
    verdict = RepairVerdict("none", "us", 3, 1.25, (77.5, 9.125, 30.5), 4.375, 1.98768, 0.01234, 2)
    stream = StringIO()
    Console(file=stream, width=300).print(replay._verdicts([verdict]))
    header, row = cells(stream.getvalue())
    assert dict(zip(header, row, strict=True)) == {
        "changed": "none", "proposed by": "us", "seeds": "3", "MF loss, start": "1.25",
        "MF loss, end": "9.12 30.5 77.5", "FM end": "4.38", "weighted": "1.9877 +- 0.0123",
        "verdict": "explodes in 2 of 3",
    }  # fmt: skip


def curves(seeds: int, epochs: int) -> list[pd.DataFrame]:
    """Curves by epoch of which no two numbers are alike."""
    draw = np.random.default_rng(5)
    names = [*COLUMNS, "weighted_std"]
    return [
        pd.DataFrame({name: 10.0**place * draw.uniform(1, 2, epochs) for place, name in enumerate(names)})
        for _ in range(seeds)
    ]


def test_a_repair_is_judged_by_its_own_curves():
    """First epoch and last tenth of the MF loss, last tenth of the FM loss, the weighted loss over all epochs."""
    tables = curves(3, 30)
    (found,) = judge_repairs({"none": tables})
    assert found.start == pytest.approx(statistics.median(float(t["raw_mf"].iloc[0]) for t in tables))
    assert found.ends == pytest.approx([statistics.median(t["raw_mf"].iloc[27:]) for t in tables])
    assert found.flow_end == pytest.approx(statistics.median(statistics.median(t["raw_fm"].iloc[27:]) for t in tables))
    assert found.weighted == pytest.approx(statistics.mean(statistics.mean(t["weighted"]) for t in tables))
    assert found.weighted_std == pytest.approx(max(max(t["weighted_std"]) for t in tables))
    assert (found.seeds, found.exploded) == (3, 0)
    assert found.origin == next(repair.origin for repair in REPAIRS if repair.name == "none")


def test_a_curve_holds_the_medians_of_its_own_columns():
    """Epoch by epoch, and the spread of the weighted loss within each."""
    config, rows = make_tiny_config(), telling_rows(6)
    curve = epoch_curve(pd.DataFrame(rows), config)
    for epoch in (0, 1):
        mine = [row for row in rows if epoch_of_step(config, row["step"]) == epoch]
        assert len(mine) == 3
        for name in COLUMNS:
            assert curve.loc[epoch, name] == pytest.approx(statistics.median(row[name] for row in mine))
        spread = statistics.pstdev(row["weighted"] for row in mine)
        assert curve.loc[epoch, "weighted_std"] == pytest.approx(spread)
    assert set(curve) == {*COLUMNS, "weighted_std"}
