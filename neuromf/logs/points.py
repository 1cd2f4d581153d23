"""From points of single quantities to runs: files after restarts are joined, files of other runs parted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neuromf.logs.joining import once_a_step
from neuromf.logs.log import LogColumn, LoggedPoints, PointLog, RunLog
from neuromf.logs.rows import restarted

Part = Mapping[str, LoggedPoints]


def runs_of_points(log: PointLog) -> list[RunLog]:
    """The runs that the files hold, in the order in which they were written."""
    parts = [part for file in log.parts for part in _split(file)]
    runs: list[list[Part]] = []
    for part in parts:
        if runs and _start(part, runs[-1][0]) > _start(runs[-1][0], part):
            runs[-1].append(part)
        else:
            runs.append([part])
    count = len(runs)
    names = [log.name if count == 1 else f"{log.name}, run {place + 1} of {count}" for place in range(count)]
    return [_run(log, run, name) for run, name in zip(runs, names, strict=True)]


def _split(part: Part) -> list[Part]:
    """One file as parts: a quantity whose steps go back was taken up again within it."""
    longest = max(part, key=lambda name: len(part[name].steps), default="")
    if not longest:
        return []
    points = part[longest]
    back = np.flatnonzero(np.diff(points.steps) < 0)
    if not len(back) or len(back) > 3 or not len(points.seconds):
        return [part]
    moments = [-np.inf, *points.seconds[back + 1].tolist(), np.inf]
    return [
        {name: cut for name, p in part.items() if len((cut := _between(p, low, high)).steps)}
        for low, high in pairwise(moments)
    ]


def _between(points: LoggedPoints, low: float, high: float) -> LoggedPoints:
    kept = (points.seconds >= low) & (points.seconds < high)
    return LoggedPoints(points.steps[kept], points.values[kept], points.seconds[kept])


def _start(part: Part, other: Part) -> float:
    """Where a part begins: the median of the first steps of what both parts have more than one point of."""
    shared = [name for name, p in part.items() if len(p.steps) > 1 and name in other and len(other[name].steps) > 1]
    firsts = [float(part[name].steps.min()) for name in shared or part]
    return float(np.median(firsts))


def _run(log: PointLog, parts: Sequence[Part], name: str) -> RunLog:
    columns = {}
    seconds: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for quantity in dict.fromkeys(name for part in parts for name in part):
        found = _joined([part[quantity] for part in parts if quantity in part])
        at, values = once_a_step(found.steps, found.values)
        columns[quantity] = LogColumn(at, values, f"{log.source}: {quantity}")
        if len(found.seconds):
            seconds.append(once_a_step(found.steps, found.seconds))
    longest = max(seconds, key=lambda pair: len(pair[0]), default=None)
    clock = None if longest is None else LogColumn(longest[0], longest[1] - longest[1].min(), log.source)
    again = [_start(part, parts[0]) for part in parts[1:]]
    notes = (*log.notes, restarted(again, "step")) if again else log.notes
    return RunLog(
        name=name, form=log.form, axis="step", axis_source="its own step", columns=columns, clock=clock, notes=notes
    )


def _joined(points: Sequence[LoggedPoints]) -> LoggedPoints:
    """Points of one quantity out of parts, without those that a later part made again."""
    kept: list[LoggedPoints] = []
    ceiling = np.inf
    for part in reversed(points):
        earlier = part.steps < ceiling
        times = part.seconds[earlier] if len(part.seconds) else part.seconds
        kept.append(LoggedPoints(part.steps[earlier], part.values[earlier], times))
        ceiling = min(ceiling, float(part.steps.min()))
    kept.reverse()
    return LoggedPoints(*(np.concatenate([getattr(p, name) for p in kept]) for name in ("steps", "values", "seconds")))
