"""Every cell of the tables that this repository generates for its pages stands in its own row and column."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from tools.performance.figures import Figure, MachineFigures
from tools.performance.machine import Machine
from tools.performance.table import table as performance
from tools.studies.bisect_simulation.scenarios import SCENARIOS
from tools.studies.bisect_simulation.simulation import ALGORITHMS
from tools.studies.bisect_simulation.simulation_table import HEADERS, markdown
from tools.studies.guard.rules import LONGER, REAL, is_warning
from tools.studies.guard.section import StudySection
from tools.studies.guard.store import MEASURES
from tools.studies.guard.trained import longer_section, real_sections

pytestmark = pytest.mark.law("OBS-002")


def cells(text: str) -> list[list[str]]:
    """Rows of a markdown table, the rule below its heading left out."""
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if not all(re.fullmatch("-+", part) for part in row)]


def records(text: str) -> list[dict[str, str]]:
    """Rows by heading."""
    header, *rows = cells(text)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_a_measured_figure_stands_beside_its_own_name_unit_and_bar():
    """In the table of its own machine."""
    figures = [Figure(f"figure {n}", 1.0 + n * 1.5, f"u{n}", None if n % 2 else 100.0 + n) for n in range(6)]
    machines = [Machine(kind, f"a {kind}", 2 + n, 4 + n, 8.0 + n, f"2.{n}", "3.11") for n, kind in enumerate("xy")]
    texts = performance(
        [MachineFigures(m, (f"cmd {m.kind}",), tuple(figures[3 * n : 3 * n + 3])) for n, m in enumerate(machines)]
    )
    for n, (machine, part) in enumerate(zip(machines, re.split(r"\n\n(?=a y)", texts), strict=True)):
        head = f"{machine.name}, {2 + n} cores, {4 + n} threads, {8 + n} GiB, torch 2.{n}: `cmd {machine.kind}`"
        assert part.splitlines()[0] == head
        (_, *shown) = cells(part)
        wanted = figures[3 * n : 3 * n + 3]
        assert shown == [[f.name, f"{f.value:.3g} {f.unit}", "" if f.bar is None else f"{f.bar:.3g}"] for f in wanted]


def share(hits: int, total: int) -> str:
    found = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    return f"{100 * hits / total:.1f} ({100 * found.low:.1f}..{100 * found.high:.1f})"


def test_a_row_of_the_bisect_simulation_counts_its_own_trials():
    """Exact, genuine, within 25 probes, and the means of search, verification and ddmin, each under its heading."""
    draw, rows = np.random.default_rng(0), []
    scenarios, algorithms = [scenario.name for scenario in SCENARIOS][:3], list(ALGORITHMS)[:2]
    for name in scenarios:
        for algorithm in algorithms:
            for trial in range(40):
                exact, genuine = int(draw.integers(0, 5) > 1), int(draw.integers(0, 5) > 0)
                counts = {
                    "search": int(draw.integers(10, 30)),
                    "verify": int(draw.integers(40, 60)),
                    "fallback": int(draw.integers(0, 9)),
                }
                rows.append(
                    {
                        "scenario": name,
                        "algorithm": algorithm,
                        "trial": trial,
                        "exact": exact,
                        "genuine": genuine,
                        **counts,
                    }
                )
    frame = pd.DataFrame(rows)
    shown = records(markdown(frame))
    assert len(shown) == 6
    assert tuple(shown[0]) == HEADERS
    says = {scenario.name: scenario.says for scenario in SCENARIOS}
    places = [(name, algorithm) for name in scenarios for algorithm in algorithms]
    for row, (name, algorithm) in zip(shown, places, strict=True):
        mine = [r for r in rows if (r["scenario"], r["algorithm"]) == (name, algorithm)]
        within = sum(r["exact"] == 1 and r["search"] + r["fallback"] <= 25 for r in mine)
        mean = {key: f"{sum(r[key] for r in mine) / 40:.1f}" for key in ("search", "verify", "fallback")}
        exact, genuine = (share(sum(r[key] for r in mine), 40) for key in ("exact", "genuine"))
        assert row == {
            "breakage": says[name],
            "algorithm": algorithm,
            "exact, %": exact,
            "genuine, %": genuine,
            "exact within 25, %": share(within, 40),
            "search": mean["search"],
            "p95": f"{np.quantile([r['search'] for r in mine], 0.95):.0f}",
            "verify": mean["verify"],
            "ddmin": mean["fallback"],
        }


def test_a_section_of_the_guards_study_keeps_its_cells_apart():
    """Cell by cell, padded or not."""
    frame = pd.DataFrame({f"c{column}": [f"{row}.{column}" * (1 + column) for row in range(4)] for column in range(3)})
    assert records(StudySection("t", frame).markdown) == frame.to_dict("records")


def trainings(rules, kinds):
    """Trainings of which every rule speaks at another step in another number of runs."""
    rows = []
    for place, kind in enumerate(kinds):
        for run in range(len(rules) + 2):
            heard = {rule: 10 * (n + 1) + run + 100 * place for n, rule in enumerate(rules) if run > n}
            measured = {name: (n + 1) * (1 + 0.1 * run) * 7.0**place for n, name in enumerate(MEASURES)}
            rows.append(
                {"kind": kind, "epochs": 60 + place, "block_noise": 0.01 * (run + 1) * (place + 1), **measured, **heard}
            )
    return pd.DataFrame(rows, columns=["kind", "epochs", "block_noise", *MEASURES, *rules])


def test_a_rule_of_real_trainings_is_told_with_its_own_counts():
    """Healthy and exploding runs, the step of the exploding ones, and each measure's range of both kinds."""
    frame = trainings(REAL, ("healthy", "exploding"))
    alarms, extremes = (records(section.markdown) for section in real_sections(frame))
    exploding, healthy = (frame[frame["kind"] == kind] for kind in ("exploding", "healthy"))
    for row, rule in zip(alarms, REAL, strict=True):
        assert row["rule"] == rule
        assert row["healthy, false"].startswith(f"{healthy[rule].count()} of {len(healthy)} ")
        assert row["exploding, heard"].startswith(f"{exploding[rule].count()} of {len(exploding)} ")
        steps = sorted(exploding[rule].fillna(np.inf))
        middle = steps[(len(steps) - 1) // 2]
        assert row["step"].split()[0] == ("never" if np.isinf(middle) else f"{middle:.0f}")
    names = ("largest_ratio", "largest_rho", "largest_level", "largest_flow", "last_level", "step_noise")
    for row, name in zip(extremes, names, strict=True):
        for kind, runs in (("healthy", healthy), ("exploding", exploding)):
            values = runs[name]
            assert row[kind] == f"{values.min():.3g}, {np.median(values):.3g}, {values.max():.3g}"


def test_a_kind_of_longer_trainings_is_told_with_its_own_counts():
    """Warned by a rule that warns, halted by one that halts, noise and last level of its own runs."""
    frame = trainings(LONGER, ("healthy", "exploding"))
    shown = {row["trainings"]: row for row in records(longer_section(frame).markdown)}
    for kind, row in shown.items():
        runs = frame[frame["kind"] == kind]
        warned = runs[[rule for rule in LONGER if is_warning(rule)]].notna().any(axis=1).sum()
        halted = runs[[rule for rule in LONGER if not is_warning(rule)]].notna().any(axis=1).sum()
        assert row["epochs each"] == str(runs["epochs"].iloc[0])
        assert row["warned"].startswith(f"{warned} of {len(runs)} ")
        assert row["halted"].startswith(f"{halted} of {len(runs)} ")
        for heading, name in (
            ("noise of a block, log units", "block_noise"),
            ("last level, x predicting nothing", "last_level"),
        ):
            values = runs[name]
            assert row[heading] == f"{values.min():.3g}, {np.median(values):.3g}, {values.max():.3g}"
    assert set(shown) == {"healthy", "exploding"}
