"""`neuromf gate`: may this configuration be launched?"""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.config.load import load_config
from neuromf.config.provenance import value_sources
from neuromf.config.resolve import config_hash
from neuromf.errors import InputError
from spec.waivers import shipped_waivers
from tools.commands.options import SetOption

if TYPE_CHECKING:
    from neuromf.config.schema import Config
    from tools.gate.smoke import SmokeRun
    from tools.gate.verdict import Verdict

DEFAULT = "recommended"


def gate(
    config: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CONFIG...]", help="Recipe or YAML files; later ones override. Default: recommended."),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Judge the configuration only; no training, no torch.")
    ] = False,
    override: SetOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the verdict as JSON.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the verdict as JUnit XML.")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write a self-contained HTML page.")] = None,
    waiver_file: Annotated[Path | None, typer.Option("--waivers", help="TOML file of laws that may be broken.")] = None,
) -> None:
    """Judge a configuration by the laws and by a short training on real MRI; exit 0 for PASS, 1 for BLOCKED."""
    start = time.perf_counter()
    layers = config or [DEFAULT]
    settings = load_config(layers, override or ())
    _check_outputs([path for path in (json_file, junit_file, report_file) if path is not None], layers)

    from neuromf.train.refusal import impossible
    from tools.gate.static import static_findings
    from tools.gate.verdict import Verdict
    from tools.gate.waivers import apply_waivers, read_waivers

    waivers = (*shipped_waivers(), *(read_waivers(waiver_file) if waiver_file else ()))
    sources = value_sources(layers, override or ())
    results = static_findings(settings, sources)
    smoke = None if static or impossible(settings) else _smoke(settings, sources)
    verdict = Verdict(
        name=" ".join(layers),
        config_hash=config_hash(settings),
        results=apply_waivers(results + (smoke.results if smoke else []), waivers, layers, datetime.date.today()),
        smoke=_summary(smoke) if smoke else None,
        seconds=time.perf_counter() - start,
    )
    _write(verdict, settings, smoke, json_file, junit_file, report_file)

    from tools.commands.console import make_console
    from tools.gate.console import print_verdict

    print_verdict(make_console(), verdict)
    raise typer.Exit(0 if verdict.status == "PASS" else 1)


def _check_outputs(paths: list[Path], layers: list[str]) -> None:
    """Each output is a file of its own, in a folder that exists, and none of the configuration files."""
    taken = {Path(layer).resolve() for layer in layers}
    for path in paths:
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError("cannot be written", remedy="give a file in a folder that exists", file=path)
        if path.resolve() in taken:
            raise InputError("would be overwritten", remedy="give each output a name of its own", file=path)
        taken.add(path.resolve())


def _smoke(settings: Config, sources: dict[str, str]) -> SmokeRun:
    from tools.commands.console import progress_bar
    from tools.gate.smoke import run_smoke

    with progress_bar("smoke training") as show:
        return run_smoke(settings, sources, show)


def _summary(smoke: SmokeRun) -> dict[str, object]:
    first, last = smoke.rows[0], smoke.rows[-1]
    names = ("raw_total", "raw_fm", "raw_mf", "weighted", "objective")
    return {
        "steps": len(smoke.rows),
        "first": {name: first[name] for name in names},
        "last": {name: last[name] for name in names},
        "ended_early": smoke.message,
    }


def _write(
    verdict: Verdict,
    settings: Config,
    smoke: SmokeRun | None,
    json_file: Path | None,
    junit_file: Path | None,
    report_file: Path | None,
) -> None:
    if json_file is not None:
        json_file.write_text(verdict.to_json())
    if junit_file is not None:
        from tools.gate.junit import to_junit

        junit_file.write_text(to_junit(verdict))
    if report_file is not None:
        from tools.report.gate_page import gate_page

        report_file.write_text(gate_page(verdict, settings, smoke), encoding="utf-8")
