"""What is known of a run besides its log: its configuration, ours or another code's, its alarms, its gradient norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neuromf_spec.law import Finding

from neuromf.config.load import load_config
from neuromf.config.recipe_files import is_recipe
from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.blocks import BlockNorms
from neuromf.diagnosis.symptoms.configuration import SUSPECTED, law_findings
from neuromf.facts.importers import IMPORTERS, import_facts
from neuromf.facts.importers.read_file import ReadFile
from neuromf.facts.laws import FACT_LAWS
from neuromf.logs.log import RunLog
from neuromf.monitor.events import Event
from neuromf.training.records.run_folder import RunFolder

OF_FACTS = (*SUSPECTED, "BATCH-001")
"""Laws of the causes that facts alone can judge."""
BLOCK_NORMS = ("block_grad_norms.", "grad_norm_per_block.")
"""How the norms of blocks begin in `training_summary.json`, of the public code and of ours."""


@dataclass(frozen=True, kw_only=True)
class RunKnowledge:
    """What is known besides the log.

    Attributes:
        name: of the file that says it, empty where nothing is known.
        config: the run, where it is one of ours.
        findings: laws that its configuration was judged by, by id.
        events: what our own monitor told while it ran.
        not_understood: keys of another code's configuration of which nothing was made.
        folder: of a run of ours, which holds its whole trace.
    """

    name: str = ""
    config: Config | None = None
    findings: Mapping[str, Finding] = field(default_factory=dict)
    events: Sequence[Event] = ()
    not_understood: tuple[str, ...] = ()
    folder: RunFolder | None = None


def knowledge_of(name: str) -> RunKnowledge:
    """What a configuration says of a run.

    Args:
        name: a recipe of ours, a YAML file of ours, or a file that `neuromf gate --facts` reads.

    Raises:
        InputError: it is none of them.
    """
    if is_recipe(name) or not _is_foreign(Path(name)):
        config = load_config([name])
        return RunKnowledge(name=name, config=config, findings=law_findings(config))
    file = import_facts(Path(name))
    known = [law_id for law_id in OF_FACTS if not FACT_LAWS[law_id].missing(file.facts)]
    judged = {law_id: FACT_LAWS[law_id] for law_id in known if FACT_LAWS[law_id].applies(file.facts)}
    findings = {law_id: entry.finding(file.facts) for law_id, entry in judged.items()}
    return RunKnowledge(name=name, findings=findings, not_understood=file.not_understood)


def _is_foreign(path: Path) -> bool:
    """Whether a file is another code's; one with sections of ours and none of its marks is ours."""
    document = ReadFile.of(path)
    if any(importer.fits(document) for importer in IMPORTERS.values()):
        return True
    return not (document.tree and set(document.tree) <= {"extends", *Config.model_fields})


def block_norms_of(log: RunLog) -> BlockNorms | None:
    """The latest gradient norms by block that a log has; None without any."""
    norms = {name[len(start):]: column for name, column in log.columns.items()
             for start in BLOCK_NORMS if name.startswith(start)}  # fmt: skip
    if not norms:
        return None
    last = max(float(column.steps[-1]) for column in norms.values())
    latest = {name: float(column.values[-1]) for name, column in norms.items() if column.steps[-1] == last}
    each = log.steps_per_epoch if log.axis == "epoch" and log.steps_per_epoch else 1
    step = int((last + 1) * each) - 1 if log.axis == "epoch" else int(last)
    return BlockNorms(step, latest)
