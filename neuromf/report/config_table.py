"""The configurations of a report's runs: where they differ, and in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from neuromf.config.resolve import flat_config
from neuromf.report.run_facts import ReportedRun


@dataclass(frozen=True)
class ConfigRow:
    """One key, its value in each run as JSON, and whether they differ."""

    key: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether two runs have different values."""
        return len(set(self.values)) > 1


def config_rows(runs: Sequence[ReportedRun]) -> list[ConfigRow]:
    """Every key of the runs' configurations, sorted."""
    flat = [flat_config(run.config) for run in runs]
    keys = sorted({key for values in flat for key in values})  # options of own code are in some of them alone
    return [ConfigRow(key, tuple(json.dumps(values[key]) if key in values else "" for values in flat)) for key in keys]
