"""Hits and false alarms as tables, for the console and for spec/MATRIX.md."""

from __future__ import annotations

from collections.abc import Sequence

from tools.outcomes.confusion import JudgedRun, Rate, by_law, confusion

WORDS = ("blocked", "warned", "clean")


def words_table(judged: Sequence[JudgedRun]) -> str:
    """Markdown: how many good and bad runs are blocked, warned of and clean, by strength of evidence."""
    rows = ["| evidence | good: blocked / warned / clean | bad: blocked / warned / clean |", "|---|---|---|"]
    groups = {
        "all": [entry for entry in judged if not entry.run.by_code],
        "strong and partial": [entry for entry in judged if entry.run.counted],
    }
    for name, entries in groups.items():
        cells = [
            " / ".join(str(sum(e.word == word for e in entries if e.run.good is good)) for word in WORDS)
            for good in (True, False)
        ]
        rows.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(rows) + "\n"


def rates_table(judged: Sequence[JudgedRun]) -> str:
    """Markdown: false alarms, hits, and good runs without a warning, with Wilson's intervals at 95 %."""
    counts = confusion(judged)
    rows = {
        "good runs that are blocked (false alarms)": counts.false_alarms,
        "bad runs that are blocked (hits)": counts.hits,
        "bad runs that are blocked or warned of": counts.warned_bad,
        "good runs without any warning": counts.clean,
    }
    return "| strong and partial evidence | runs (95 %) |\n|---|---|\n" + "".join(
        f"| {name} | {rate} |\n" for name, rate in rows.items()
    )


def laws_table(judged: Sequence[JudgedRun]) -> str:
    """Markdown: for each law that speaks, how many good runs it blocks or warns of, and how many bad ones."""
    counted = [entry for entry in judged if entry.run.counted]
    good = sum(entry.run.good for entry in counted)
    lines = [
        "| law | blocks: false alarms | blocks: hits | warns: good | warns: bad | tells of: good | tells of: bad |",
        "|---|---|---|---|---|---|---|",
    ]
    found = by_law(judged)
    silent = [law_id for law_id, counts in found.items() if not any(counts.values())]
    for law_id, counts in found.items():
        if law_id in silent:
            continue
        cells = [
            _cell(Rate(counts[status, kind], good if kind else len(counted) - good))
            for status in ("block", "warn", "info")
            for kind in (True, False)
        ]
        lines.append(f"| {law_id} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + f"\n\nSay nothing of any of these runs: {', '.join(silent)}.\n"


def runs_table(judged: Sequence[JudgedRun]) -> str:
    """Markdown: one line a run."""
    lines = ["| run | evidence | outcome | gate | blocked by | warned by |", "|---|---|---|---|---|---|"]
    for entry in judged:
        outcome = ("good" if entry.run.good else "bad") + (", by its code" if entry.run.by_code else "")
        laws = [", ".join(entry.laws(status)) for status in ("block", "warn")]
        lines.append(f"| {entry.run.name} | {entry.run.strength} | {outcome} | {entry.word} | {laws[0]} | {laws[1]} |")
    return "\n".join(lines) + "\n"


def _cell(rate: Rate) -> str:
    return str(rate) if rate.count else f"0 of {rate.total}"
