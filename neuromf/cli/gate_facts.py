"""`neuromf gate --facts FILE`: another code's training, judged by what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuromf.cli.output_file import check_output_file
from neuromf.errors import InputError
from neuromf.output import write_output


def gate_facts(paths: Sequence[Path], *, importer: str, json_file: Path | None, refused: dict[str, bool]) -> int:
    """Judge facts, print the verdict; returns the exit code.

    Args:
        paths: files of facts, or another code's configuration, later ones over earlier ones.
        importer: which code's, or `auto`.
        json_file: where the verdict goes as JSON.
        refused: options that say nothing of facts, and whether each was given.

    Raises:
        InputError: the file is of no known form, or an option does not go with facts.
    """
    from neuromf.facts.importers import import_facts
    from neuromf.gate.facts_verdict import judge_facts

    if given := [option for option, used in refused.items() if used]:
        raise InputError("does not go with --facts", remedy="leave one of the two out", key=given[0])
    if json_file is not None:
        check_output_file(json_file, "--json", keep=[*paths])
    verdict = judge_facts(import_facts(paths, importer))
    if not verdict.results:
        remedy = "give more facts, such as data_proportion, batch_size and time_scale"
        raise InputError("says too little for any law", remedy=remedy, file=verdict.file.name)
    if json_file is not None:
        write_output(json_file, verdict.to_json())

    from neuromf.cli.console import make_console
    from neuromf.gate.facts_console import print_facts_verdict

    print_facts_verdict(make_console(), verdict)
    return 0 if verdict.status == "PASS" else 1
