"""Make a run the golden one: with a reason, from a clean tree, twice the same, with tolerances that separate."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path

from neuromf.data.content import file_sha256
from neuromf.errors import InputError
from neuromf.golden.case import GoldenCase
from neuromf.golden.environment import environment, fingerprint
from neuromf.golden.runner import CaseRun, run_steps, threads
from neuromf.output import writing
from tools.golden.measure import CaseMeasurement, tolerance_table, undetected_laws
from tools.golden.store import write_golden, write_measurement

ROOT = Path(__file__).parents[2]
CHANGELOG = ROOT / "golden" / "CHANGELOG.md"
MADE_OF = ("neuromf", "spec", "tools", "golden/latents.safetensors")
"""What the numbers of a golden come from, in a checkout: it must be that of the commit which the golden names."""


def refuse_blessing(reason: str) -> str:
    """The commit that would be blessed.

    Raises:
        InputError: there is no reason, this is CI, the tree is dirty, or it is no git checkout.
    """
    if len(reason.split()) < 3:
        raise InputError("a golden needs a reason", remedy="say in a few words why the numbers change", key="--reason")
    if os.environ.get("CI"):
        raise InputError("a golden is not blessed in CI", remedy="bless it on your machine and commit it")
    changes = _git("status", "--porcelain", "--", *MADE_OF)
    if changes:
        first = changes.splitlines()[0].strip()
        raise InputError(f"the tree is dirty ({first})", remedy="commit first: a golden names the commit it came from")
    return _git("rev-parse", "HEAD")


def run_twice(case: GoldenCase) -> CaseRun:
    """The case's run, made twice.

    Raises:
        InputError: the two are not the same bit for bit, or hold a number that is not finite.
    """
    with threads(1):
        first, second = (run_steps(case.config, case.contract.steps) for _ in range(2))
    if (first.csv, first.weights_sha256) != (second.csv, second.weights_sha256):
        raise InputError(f"two runs of {case.name} differ", remedy="find what is not deterministic first")
    if len(first.frame) != case.contract.steps or "nan" in first.csv or "inf" in first.csv:
        raise InputError(f"{case.name} holds a number that is not finite", remedy="see which law fell")
    return first


def bless(case: GoldenCase, run: CaseRun, measurement: CaseMeasurement, commit: str, reason: str) -> None:
    """Store the run as golden, its tolerances, and a line in `golden/CHANGELOG.md`.

    Raises:
        InputError: a law that the case claims is not seen by any column.
    """
    table = tolerance_table(measurement)
    unseen = undetected_laws(case, measurement, table)
    if unseen:
        problem = f"no column of {case.name} tells {unseen[0]} broken from noise"
        raise InputError(problem, remedy="drop the law from case.toml, or make the case longer", key="laws")
    write_measurement(case, measurement, table)
    here = environment()
    document = {
        "commit": commit,
        "date": datetime.date.today().isoformat(),
        "reason": reason,
        "environment": here,
        "fingerprint": fingerprint(here),
        "steps": case.contract.steps,
    }
    write_golden(case, run.csv, run.weights_sha256, document)
    record(case.name, file_sha256(case.trace), reason)


def record(name: str, digest: str, reason: str) -> None:
    """Write a blessing's line into `golden/CHANGELOG.md`."""
    with writing(CHANGELOG), CHANGELOG.open("a", encoding="utf-8") as stream:
        stream.write(f"- {datetime.date.today().isoformat()} `{name}` {digest[:12]}: {reason}\n")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError("this is no git checkout", remedy="bless in a clone of the repository") from error
    return done.stdout.strip()
