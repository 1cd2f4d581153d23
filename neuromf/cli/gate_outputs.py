"""Where the gate's findings go beside the console: files of several forms, and what GitHub shows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuromf.cli.output_file import check_output_file
from neuromf.config.provenance import layer_files
from neuromf.errors import InputError
from neuromf.output import write_output, writing
from neuromf.readable import READABLE

if TYPE_CHECKING:
    from neuromf.config.schema import Config
    from neuromf.gate.ci.findings import JudgedConfig
    from neuromf.gate.smoke import SmokeRun

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable in which GitHub names the file of a step's summary."""


@dataclass(frozen=True, kw_only=True)
class GateOutputs:
    """Files that the user names, and whether GitHub is told.

    Attributes:
        json_file: of one verdict.
        junit_file: a test a law.
        report_file: a page about one verdict.
        sarif_file: of all findings, with the lines of the files.
        github: whether annotations are printed and the summary of the step is written.
        several: whether each of several configurations is judged by itself.
    """

    json_file: Path | None
    junit_file: Path | None
    report_file: Path | None
    sarif_file: Path | None
    github: bool
    several: bool

    @property
    def summary(self) -> Path | None:
        """The file of the step's summary, where GitHub names one."""
        named = os.environ.get(SUMMARY, "") if self.github else ""
        return Path(named) if named else None

    def check(self, groups: Sequence[Sequence[str]]) -> None:
        """Make sure that each output can be written to a file of its own, which is none of the configurations'.

        Args:
            groups: the layers of each configuration.

        Raises:
            InputError: it cannot.
        """
        single = {"--json": self.json_file, "--report": self.report_file}
        for key, path in single.items():
            if path is not None and len(groups) != 1:
                problem = f"holds one verdict, and {len(groups)} configurations are judged"
                raise InputError(problem, remedy="leave it out, or judge them one by one", key=key)
        taken = _files(layer for group in groups for layer in group)
        named = {**single, "--junit": self.junit_file, "--sarif": self.sarif_file, SUMMARY: self.summary}
        for key, path in named.items():
            if path is not None:
                check_output_file(path, key, keep=taken)
                taken.append(path)

    def write(self, configs: Sequence[JudgedConfig], notes: Sequence[str]) -> None:
        """Write what was found on all configurations.

        Args:
            configs: judged, or not to be judged.
            notes: what else there is to say, a sentence each.
        """
        from neuromf.gate.ci.junit_suites import junit_of, junit_of_each
        from neuromf.gate.ci.sarif import to_sarif

        if self.junit_file is not None:
            write_output(self.junit_file, junit_of_each(configs) if self.several else junit_of(configs[0]))
        if self.sarif_file is not None:
            write_output(self.sarif_file, to_sarif(configs, notes=notes))
        if self.github and configs:
            self._tell_github(configs)

    def write_verdict(self, config: JudgedConfig, settings: Config, smoke: SmokeRun | None, scans: int | None) -> None:
        """Write what is about one verdict; `scans` is how many the cohort has, where it was looked at."""
        assert config.verdict is not None
        if self.json_file is not None:
            write_output(self.json_file, config.verdict.to_json())
        if self.report_file is not None:
            from neuromf.report.gate_page import gate_page

            cost = [] if smoke is None else _cost(settings, scans)
            write_output(self.report_file, gate_page(config.verdict, settings, smoke, cost))

    def _tell_github(self, configs: Sequence[JudgedConfig]) -> None:
        from neuromf.gate.ci.step_summary import step_summary
        from neuromf.gate.ci.workflow_commands import workflow_commands

        for command in workflow_commands(configs):
            print(command)
        if self.summary is None:
            return
        with writing(self.summary), self.summary.open("a", encoding="utf-8", errors=READABLE, newline="\n") as stream:
            taken = os.fstat(stream.fileno()).st_size
            stream.write(("\n\n" if taken else "") + step_summary(configs, taken=taken + 2))


def _cost(settings: Config, scans: int | None) -> list[tuple[str, str]]:
    """What the run would ask for, on the GPU of the recipe's review."""
    from neuromf.plan.estimate import plan
    from neuromf.plan.gpus import GPUS
    from neuromf.plan.told import told

    return told(plan(settings, GPUS["a100-80"], scans))


def _files(layers: Iterable[str]) -> list[Path]:
    """Files that the layers are read from; of a layer that cannot be read, as far as it was followed."""
    found: list[Path] = []
    for layer in layers:
        try:
            found += layer_files([layer])
        except InputError as error:
            found += [Path(layer), *([Path(error.file)] if error.file else [])]
    return found
