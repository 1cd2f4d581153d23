"""The engine and its rivals on the same simulated oracles, and what came of each trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, product

from neuromf.bisect.engine import Engine, run
from neuromf.bisect.oracle import ProbePurpose
from neuromf.bisect.question import BisectEnding, Question
from neuromf.bisect.reductions import Reduction, ddmin, drive, majority, one_at_a_time, quickxplain
from neuromf.processes import worker_pool
from tools.studies.bisect_simulation.scenarios import SCENARIOS, Instance, Scenario, draw


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What an algorithm made of one drawn breakage; whole numbers, so that a table of them is exact.

    Attributes:
        scenario: name of the kind of breakage.
        algorithm: name of what looked for it.
        trial: number of the draw.
        exact: 1 when it names every minimal cause and nothing else.
        genuine: 1 when it names at least one, and all it names are minimal causes.
        search: probes that looked for a candidate.
        verify: probes that verified candidates and that nothing else breaks the run.
        fallback: probes of ddmin when it had to take over.
    """

    scenario: str
    algorithm: str
    trial: int
    exact: int
    genuine: int
    search: int
    verify: int = 0
    fallback: int = 0


@dataclass(frozen=True)
class Rival:
    """A reduction with repeated answers.

    Attributes:
        reduction: what asks.
        repeats: answers, of which the majority counts.
    """

    reduction: Callable[[int], Reduction]
    repeats: int


RIVALS = {
    "one at a time": Rival(one_at_a_time, 1),
    "ddmin": Rival(ddmin, 1),
    "ddmin x3": Rival(ddmin, 3),
    "QuickXplain": Rival(quickxplain, 1),
    "QuickXplain x3": Rival(quickxplain, 3),
}
ENGINE = "bisect"
ALGORITHMS = (ENGINE, *RIVALS)


def simulate(
    trials: Iterable[int],
    scenarios: Iterable[Scenario] = SCENARIOS,
    algorithms: Iterable[str] = ALGORITHMS,
    jobs: int = 1,
) -> Iterator[Trial]:
    """Every algorithm on every draw, in the order scenario, trial, algorithm, on `jobs` processes."""
    tasks = [(scenario, trial, tuple(algorithms)) for scenario, trial in product(scenarios, trials)]
    if jobs == 1:
        for task in tasks:
            yield from _trials(task)
        return
    with worker_pool(jobs) as pool:
        for rows in pool.map(_trials, tasks, chunksize=8):
            yield from rows


def _trials(task: tuple[Scenario, int, tuple[str, ...]]) -> list[Trial]:
    scenario, trial, algorithms = task
    instance = draw(scenario, trial)
    # The rivals know no prior: what the laws say changes nothing for them.
    algorithms = algorithms if scenario.blamed == "nobody" else tuple(name for name in algorithms if name == ENGINE)
    return [
        engine_trial(scenario.name, trial, instance)
        if name == ENGINE
        else rival_trial(scenario.name, trial, instance, name)
        for name in algorithms
    ]


def engine_trial(scenario: str, trial: int, instance: Instance) -> Trial:
    """The bisect on one draw; "unproven" counts as wrong."""
    conclusion, observations = run(Engine(Question(weights=instance.weights)), instance.oracle)
    probes = Counter(observation.probe.purpose for observation in observations)
    settled = conclusion.ending in {BisectEnding.FOUND, BisectEnding.NO_CULPRIT}
    found = set(conclusion.causes) if settled else {-1}
    return Trial(
        scenario=scenario,
        algorithm=ENGINE,
        trial=trial,
        exact=int(found == set(instance.causes)),
        genuine=int(_genuine(found, instance)),
        search=probes[ProbePurpose.SEARCH],
        verify=probes[ProbePurpose.VERIFY],
        fallback=probes[ProbePurpose.FALLBACK],
    )


def rival_trial(scenario: str, trial: int, instance: Instance, name: str) -> Trial:
    """A rival on the same draw; it names one set, whatever the truth."""
    rival, seeds = RIVALS[name], count()
    asked: list[int] = []

    def ask(subset: int) -> bool:
        asked.append(subset)
        return instance.oracle.breaks(subset, next(seeds))

    named = drive(rival.reduction((1 << len(instance.weights)) - 1), majority(ask, rival.repeats))
    found = {named} if named else set()
    return Trial(
        scenario=scenario,
        algorithm=name,
        trial=trial,
        exact=int(found == set(instance.causes)),
        genuine=int(_genuine(found, instance)),
        search=len(asked),
    )


def _genuine(found: set[int], instance: Instance) -> bool:
    """No cause named that is none; where there is one, at least one named."""
    return found <= set(instance.causes) and bool(found) == bool(instance.causes)
