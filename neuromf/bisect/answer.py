"""The answer of a bisect as JSON, CSV and configuration files, with a generated test for each cause."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from neuromf.bisect.claims import ClaimReading
from neuromf.bisect.deltas import blame
from neuromf.bisect.hypotheses import members
from neuromf.bisect.oracle import Observation
from neuromf.bisect.session import Finished
from neuromf.bisect.study import BisectStudy
from neuromf.config.resolve import resolved_text
from neuromf.output import write_output


def document(study: BisectStudy, finished: Finished) -> dict[str, Any]:
    """Everything that is known at the end; sets of deltas are given by their keys."""
    conclusion, observations = finished.conclusion, finished.observations
    return {
        "ending": conclusion.ending.value,
        "reason": conclusion.reason,
        "causes": [cause(study, subset) for subset in conclusion.causes],
        "guess": [keys(study, subset) for subset in conclusion.guess],
        "posterior": conclusion.posterior,
        "fallback": conclusion.fallback,
        "rates": {"false_negative": finished.rates.false_negative, "false_positive": finished.rates.false_positive},
        "claims": [_claim(study, reading) for reading in conclusion.readings],
        "probes": len(observations),
        "seconds": round(sum(o.outcome.cost for o in observations), 1),
        "question": study.question(),
        "deltas": [_delta(study, number) for number in range(len(study.names))],
        "hidden": list(study.hidden),
        "evidence": [evidence(study, o) for o in observations],
    }


def keys(study: BisectStudy, subset: int) -> list[str]:
    """Keys of a set of deltas."""
    return [study.names[number] for number in members(subset)]


def cause(study: BisectStudy, subset: int) -> dict[str, Any]:
    """One minimal cause: its keys with both values, and the laws that it breaks alone."""
    broken = blame(study.good, study.differences.mixtures.config(subset))
    laws = [{"law": b.law, "title": b.title, "found": b.found} for b in broken]
    return {"deltas": [_delta(study, number) for number in members(subset)], "laws": laws}


def evidence(study: BisectStudy, observation: Observation) -> dict[str, Any]:
    """One probe as a row of evidence.csv."""
    probe, outcome = observation.probe, observation.outcome
    return {
        "index": probe.index, "purpose": probe.purpose.value, "seed": probe.seed, "verdict": outcome.verdict.value,
        "seconds": outcome.cost, "detail": outcome.detail, "keys": " ".join(keys(study, probe.subset)),
    }  # fmt: skip


def _delta(study: BisectStudy, number: int) -> dict[str, Any]:
    delta = study.differences.deltas[number]
    laws = sorted({b.law for b in delta.blame})
    return {"keys": list(delta.keys), "good": list(delta.good), "bad": list(delta.bad), "laws": laws}


def _claim(study: BisectStudy, reading: ClaimReading) -> dict[str, Any]:
    return {
        "keys": keys(study, reading.claim.subset), "says": reading.claim.says, "standing": reading.status.value,
        "broken": reading.broken, "healthy": reading.healthy,
    }  # fmt: skip


TEST = '''"""Found by `neuromf bisect`: {keys} alone breaks the good run.

The first test fails when the break is mended in the code; turn it round then.
"""

from pathlib import Path

from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config
from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.bisect.oracle_kinds import answer

HERE = Path(__file__).parent
ORACLE, MICRO_BATCHES, SEEDS = {oracle!r}, {micro_batches}, ({seed}, {second}, {third})


def verdicts(name):
    good, config = (flat_config(load_config([HERE / file])) for file in ("good.yaml", name))
    tasks = [Task(oracle=ORACLE, config=config, good=good, seed=s, micro_batches=MICRO_BATCHES) for s in SEEDS]
    return [answer(task).verdict for task in tasks]


def test_the_cause_alone_breaks_the_good_run():
    """Two of three seeds at least."""
    assert verdicts({yaml!r}).count(ProbeVerdict.BROKEN) >= 2


def test_the_good_run_is_healthy():
    """Two of three seeds at least."""
    assert verdicts("good.yaml").count(ProbeVerdict.HEALTHY) >= 2
'''


def write_answer(folder: Path, study: BisectStudy, found: dict[str, Any], causes: tuple[int, ...]) -> list[Path]:
    """Write evidence.csv, good.yaml, for each cause its configuration and a test, and result.json; give their paths.

    Each is whole or not there. The result comes last: where it stands, the rest does.

    Raises:
        InputError: the disk refuses one.
    """
    files = {"evidence.csv": evidence_table(found["evidence"]), "good.yaml": resolved_text(study.good)}
    for number, subset in enumerate(causes):
        name = f"cause{number}.yaml"
        mixture = study.differences.mixtures.config(subset)
        files[name] = f"# {', '.join(keys(study, subset))}: alone breaks good.yaml\n{resolved_text(mixture)}"
        files[f"test_cause{number}.py"] = _test(study, subset, name)
    files["result.json"] = json.dumps({k: v for k, v in found.items() if k != "evidence"}, indent=1) + "\n"
    for name, text in files.items():
        write_output(folder / name, text)
    return [folder / name for name in files]


def _test(study: BisectStudy, subset: int, name: str) -> str:
    first = study.seed
    return TEST.format(
        keys=", ".join(keys(study, subset)), oracle=study.oracle, micro_batches=study.micro_batches,
        seed=first, second=first + 1, third=first + 2, yaml=name,
    )  # fmt: skip


def evidence_table(rows: list[dict[str, Any]]) -> str:
    """CSV with one row a probe."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
