"""`neuromf gate`: may this configuration be launched?"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.gate_outputs import GateOutputs
from neuromf.cli.options import InitFromOption, SetOption, WaiversOption, with_start
from neuromf.config.load import load_config
from neuromf.errors import InputError
from neuromf.readable import printable

if TYPE_CHECKING:
    from neuromf.gate.ci.findings import JudgedConfig

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
    init_from: InitFromOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the verdict as JSON.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the verdict as JUnit XML.")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write a self-contained HTML page.")] = None,
    waiver_file: WaiversOption = None,
    sarif_file: Annotated[
        Path | None, typer.Option("--sarif", help="Write SARIF: each finding on the line of the file that it is about.")
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Print GitHub's annotations, and add to the summary of the step.")
    ] = False,
    each: Annotated[
        bool, typer.Option("--each", help="Judge each CONFIG by itself, instead of one laid over the other.")
    ] = False,
    skip_others: Annotated[
        bool, typer.Option("--skip-others", help="With --each: leave out YAML files without a key of neuromf.")
    ] = False,
    facts: Annotated[
        list[Path] | None,
        typer.Option("--facts", help="Judge another code's training by facts, or by its own files, in their order."),
    ] = None,
    importer: Annotated[str, typer.Option("--importer", help="With --facts: whose files they are.")] = "auto",
) -> None:
    """Judge a configuration by the laws, its scans and a short training on real MRI; exit 0 for PASS, 1 for BLOCKED."""
    if facts:
        from neuromf.cli.gate_facts import gate_facts

        refused = {"CONFIG": bool(config), "--set": bool(override), "--junit": bool(junit_file), "--github": github}
        refused |= {"--report": bool(report_file), "--waivers": bool(waiver_file), "--sarif": bool(sarif_file)}
        refused |= {"--each": each, "--skip-others": skip_others, "--init-from": bool(init_from)}
        raise typer.Exit(gate_facts(facts, importer=importer, json_file=json_file, refused=refused))
    if importer != "auto":
        raise InputError("needs --facts", remedy="add the file that it reads", key="--importer")
    if skip_others and not each:
        raise InputError("needs --each", remedy="add it, or leave the other files out yourself", key="--skip-others")
    groups, notes = _groups(config or [], each=each, skip_others=skip_others)
    outputs = GateOutputs(
        json_file=json_file,
        junit_file=junit_file,
        report_file=report_file,
        sarif_file=sarif_file,
        github=github,
        several=each,
    )
    outputs.check(groups)
    for note in notes:
        print(note)
    overrides = with_start(override, init_from)
    judged = [_judged(layers, overrides, waiver_file, outputs, static=static) for layers in groups]
    outputs.write(judged, notes)
    errors = [item.error for item in judged if item.error is not None]
    if errors and not each:
        raise errors[0]
    for sentence in dict.fromkeys(map(str, errors)):
        print(f"neuromf: {sentence}", file=sys.stderr)
    raise typer.Exit(max((item.exit_code for item in judged), default=0))


def _groups(config: list[str], *, each: bool, skip_others: bool) -> tuple[list[list[str]], list[str]]:
    """The layers of each configuration to be judged, and a sentence on each file that is left out."""
    if not each:
        return [config or [DEFAULT]], []
    if not config:
        raise InputError("no configuration is named", remedy="name at least one", key="--each")
    if not skip_others:
        return [[layer] for layer in config], []

    from neuromf.config.foreign import is_ours

    ours = {layer: is_ours(layer) for layer in config}
    said = [f"{printable(layer)}: left out, for it has no key of neuromf at its top level" for layer in ours]
    left_out = [sentence for sentence, kept in zip(said, ours.values(), strict=True) if not kept]
    return [[layer] for layer in config if ours[layer]], left_out


def _judged(
    layers: list[str], overrides: Sequence[str], waiver_file: Path | None, outputs: GateOutputs, *, static: bool
) -> JudgedConfig:
    """Judge one configuration, print the verdict and write what is about it alone; bad input is told to the caller."""
    from neuromf.gate.ci.findings import not_judged, with_findings
    from neuromf.gate.judge import LaunchCandidate, judge
    from neuromf.gate.waivers import all_waivers

    start = time.perf_counter()
    try:
        settings, waivers = load_config(layers, overrides), all_waivers(waiver_file)
        candidate = LaunchCandidate.of(settings, layers, overrides)
        inputs = smoke = None
        if not static:
            from neuromf.cli.smoke_training import opened_inputs, smoke_training

            inputs, smoke = opened_inputs(candidate), smoke_training(candidate)
        verdict = judge(candidate, waivers, smoke, inputs=inputs, started=start)
    except InputError as error:
        return not_judged(error, layers)

    from neuromf.cli.console import make_console
    from neuromf.gate.console import print_verdict

    judged = with_findings(verdict, layers, overrides, waivers)
    outputs.write_verdict(judged, settings, smoke, None if static else candidate.subjects)
    print_verdict(make_console(), verdict)
    return judged
