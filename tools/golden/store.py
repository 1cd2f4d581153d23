"""A golden case's files, written whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from neuromf.config.schema import Config
from neuromf.data.content import file_sha256
from neuromf.golden.case import GoldenCase
from neuromf.golden.contract import contract_texts
from neuromf.golden.store import FORMAT
from neuromf.lock import Lock
from neuromf.output import write_output
from tools.golden.measure import CaseMeasurement


@contextmanager
def only_blessing(folder: Path) -> Iterator[None]:
    """Keep others from measuring or blessing what lies in a folder while the block does.

    Raises:
        InputError: another does.
    """
    with Lock(folder / ".lock", what=folder, whose="another blessing"):
        yield


def write_measurement(case: GoldenCase, measurement: CaseMeasurement, table: pd.DataFrame) -> None:
    """Store the tolerances and what they follow from."""
    write_output(case.tolerances, table.to_csv(index=False, float_format="%.3g", lineterminator="\n"))
    both = pd.concat([measurement.noise, measurement.effects], keys=["noise", "fault"], names=["kind", "change"])
    write_output(case.effects, both.to_csv(float_format="%.3g", lineterminator="\n"))


def write_golden(case: GoldenCase, trace: str, weights: str, document: dict[str, Any]) -> None:
    """Store a golden trace, its configuration and parameters, and where it comes from."""
    write_contract(case.folder, case.config)
    write_output(case.trace, trace)
    whole = {
        "format": FORMAT,
        "lane": case.lane,
        **document,
        "weights_sha256": weights,
        "trace_sha256": file_sha256(case.trace),
    }
    write_output(case.provenance, json.dumps(whole, indent=1) + "\n")


def write_contract(folder: Path, config: Config) -> None:
    """Store every key and every parameter of a configuration as text."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contract_texts(config).items():
        write_output(folder / name, text)
