"""The gate for every arm, before any is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.data.chosen import Cohort
from neuromf.errors import InputError
from neuromf.gate.judge import LaunchCandidate, judge
from neuromf.gate.result import REFUSED
from neuromf.gate.waivers import all_waivers
from neuromf.sweep.arms import SweepArm
from neuromf.sweep.jobs import Jobs, SweepCommand
from neuromf.sweep.journal import SweepJournal

GATE = "gate"
PASSED, BLOCKED = 0, 1


@dataclass(frozen=True)
class Admitted:
    """Whether an arm may be trained, and which laws forbid it."""

    passed: bool
    reason: str = ""


def admit(arms: Sequence[SweepArm], gate: str, out: Path, jobs: Jobs, journal: SweepJournal) -> dict[int, Admitted]:
    """The verdict on each arm, by its number.

    Args:
        arms: all of them.
        gate: `static`: by the configuration alone; `full`: with its scans and a short training, a job each.
        out: the sweep's folder, in which `gates/` holds full verdicts and what they printed.
        jobs: what runs full gates.
        journal: keeps their exit codes.

    Raises:
        InputError: an arm cannot be judged.
    """
    cohort = Cohort(arms[0].config.data)  # no arm has other data: they could not be compared
    verdicts = {arm.number: _on_paper(arm, cohort) for arm in arms}
    if gate == "full":
        for number, code in _codes([arm for arm in arms if verdicts[arm.number].passed], out, jobs, journal).items():
            if code == BLOCKED:
                verdicts[number] = Admitted(
                    passed=False, reason=f"the whole gate says so, see {_log(out, arms[number])}"
                )
    return verdicts


def _on_paper(arm: SweepArm, cohort: Cohort) -> Admitted:
    candidate = LaunchCandidate.of(arm.config, arm.layers, arm.overrides(arm.config.training.seed), cohort)
    verdict = judge(candidate, all_waivers(None))
    return Admitted(verdict.status == "PASS", ", ".join(verdict.laws(*REFUSED)))


def _codes(arms: Sequence[SweepArm], out: Path, jobs: Jobs, journal: SweepJournal) -> dict[int, int]:
    """Exit code of the whole gate on each arm; one that was judged before keeps it."""
    codes = {arm.number: int(code) for arm in arms if (code := journal.noted(arm, GATE)) is not None}
    waiting = {str(arm.number): arm for arm in arms if arm.number not in codes}
    todo, running = list(waiting.values()), 0
    while todo or running:
        while todo and running < jobs.size:
            arm = todo.pop(0)
            jobs.start(SweepCommand(str(arm.number), _arguments(arm, out), _log(out, arm)))
            running += 1
        for ended in jobs.wait():
            running -= 1
            arm = waiting[ended.key]
            if ended.code not in (PASSED, BLOCKED):
                raise InputError(f"the gate could not judge '{arm.name}' (code {ended.code})",
                                 remedy="read what it printed", file=_log(out, arm))  # fmt: skip
            codes[arm.number] = ended.code
            journal.note(arm, GATE, ended.code)
    return codes


def _arguments(arm: SweepArm, out: Path) -> list[str]:
    sets = [part for override in arm.overrides(arm.config.training.seed) for part in ("--set", override)]
    return ["gate", *arm.layers, *sets, "--json", str(out / "gates" / f"{arm.slug}.json")]


def _log(out: Path, arm: SweepArm) -> Path:
    return out / "gates" / f"{arm.slug}.txt"
