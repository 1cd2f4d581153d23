"""`neuromf gate`: may this configuration be launched?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.options import SetOption, WaiversOption
from neuromf.cli.output_file import check_output_file
from neuromf.config.load import load_config
from neuromf.config.provenance import layer_files
from neuromf.output import write_output

if TYPE_CHECKING:
    from neuromf.config.schema import Config
    from neuromf.gate.smoke import SmokeRun
    from neuromf.gate.verdict import GateVerdict

DEFAULT = "recommended"


def gate(
    config: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CONFIG...]", help="Recipe or YAML files; later ones override. Default: recommended."),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Judge the configuration only; no scans, no training, no torch.")
    ] = False,
    override: SetOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the verdict as JSON.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the verdict as JUnit XML.")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write a self-contained HTML page.")] = None,
    waiver_file: WaiversOption = None,
) -> None:
    """Judge a configuration by the laws, its scans and a short training on real MRI; exit 0 for PASS, 1 for BLOCKED."""
    start = time.perf_counter()
    layers = config or [DEFAULT]
    settings = load_config(layers, override or ())
    _check_outputs({"--json": json_file, "--junit": junit_file, "--report": report_file}, layers)

    from neuromf.cli.smoke_training import opened_inputs, smoke_training
    from neuromf.gate.judge import LaunchCandidate, judge
    from neuromf.gate.waivers import all_waivers

    waivers = all_waivers(waiver_file)
    candidate = LaunchCandidate.of(settings, layers, override or ())
    inputs = None if static else opened_inputs(candidate)
    smoke = None if static else smoke_training(candidate)
    verdict = judge(candidate, waivers, smoke, inputs=inputs, started=start)
    _write(verdict, settings, smoke, json_file, junit_file, report_file)

    from neuromf.cli.console import make_console
    from neuromf.gate.console import print_verdict

    print_verdict(make_console(), verdict)
    raise typer.Exit(0 if verdict.status == "PASS" else 1)


def _check_outputs(outputs: dict[str, Path | None], layers: list[str]) -> None:
    """Make sure that each output can be written to a separate file that is none of the configuration files."""
    taken = layer_files(layers)
    for key, path in outputs.items():
        if path is not None:
            check_output_file(path, key, keep=taken)
            taken.append(path)


def _write(
    verdict: GateVerdict,
    settings: Config,
    smoke: SmokeRun | None,
    json_file: Path | None,
    junit_file: Path | None,
    report_file: Path | None,
) -> None:
    if json_file is not None:
        write_output(json_file, verdict.to_json())
    if junit_file is not None:
        from neuromf.gate.junit import to_junit

        write_output(junit_file, to_junit(verdict))
    if report_file is not None:
        from neuromf.report.gate_page import gate_page

        write_output(report_file, gate_page(verdict, settings, smoke))
