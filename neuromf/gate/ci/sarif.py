"""The gate's findings as SARIF 2.1.0, the format in which checkers of code tell theirs.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0; sections are named where they decide something.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuromf_spec.registry import law

from neuromf import __version__
from neuromf.config.places import FilePlace
from neuromf.gate.ci.findings import LEVELS, JudgedConfig, PlacedFinding
from neuromf.gate.ci.paths import uri
from neuromf.json_text import json_text
from neuromf.readable import readable

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""The folder that relative paths count from, as SARIF's users name it: the root of the repository."""
FINGERPRINT = "neuromfLawKeyFile/v1"
"""Made of what does not move with a line. GitHub's own key, primaryLocationLineHash, is left to its upload, which warns
of a hash that is not its own."""


def to_sarif(configs: Sequence[JudgedConfig], *, notes: Sequence[str] = ()) -> str:
    """SARIF text, one run on all configurations: a rule a law that was judged, a result a law that is broken.

    Args:
        configs: judged, or not to be judged: those are notifications of an unsuccessful run.
        notes: what else there is to say, a sentence each.
    """
    ids = list(dict.fromkeys(name for config in configs if config.verdict for name in config.verdict.laws()))
    results = [_result(finding, config, ids) for config in configs for finding in config.findings]
    told = [{"level": "note", "message": _message(note)} for note in notes]
    errors = [_notification(config) for config in configs if config.error is not None]
    invocation = {
        "executionSuccessful": not errors,
        "exitCode": max((config.exit_code for config in configs), default=0),
        "toolExecutionNotifications": errors + told,
    }
    rules = [_rule(law_id) for law_id in ids]
    driver = {"name": "neuromf", "version": __version__, "semanticVersion": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results}
    return json_text({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}) + "\n"


def _rule(law_id: str) -> dict[str, Any]:
    found = law(law_id)
    sources = "; ".join(str(source) for source in found.sources)
    return {
        "id": law_id,
        "shortDescription": _message(found.title),
        "fullDescription": _message(found.statement),
        "help": _message(f"{found.remedy} Source: {sources}. `neuromf laws show {law_id}` prints the whole law."),
        "defaultConfiguration": {"level": LEVELS[found.severity.value]},
    }


def _result(finding: PlacedFinding, config: JudgedConfig, ids: Sequence[str]) -> dict[str, Any]:
    result = finding.result
    suppression = {"kind": "external", "status": "accepted", "justification": finding.waiver}
    return {
        "ruleId": result.law_id,
        "ruleIndex": ids.index(result.law_id),
        "level": finding.level,
        "message": _message(finding.text),
        "locations": [_location(finding.place, result.key or config.name)],
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding, config)},
        # Section 3.27.23: where one result has suppressions, each has; none are an empty list.
        "suppressions": [suppression] if finding.waiver else [],
        "properties": {
            "key": result.key,
            "found": readable(result.found),
            "bound": result.bound,
            "judged": result.where,
        },
    }


def _location(place: FilePlace, name: str) -> dict[str, Any]:
    """A line of a file; of a recipe, which lies in no file of the user's, only the name of the key."""
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": readable(name)}]}
    if place.file is not None:
        location["physicalLocation"] = {"artifactLocation": _artifact(place.file), "region": {"startLine": place.line}}
    return location


def _artifact(file: Path) -> dict[str, str]:
    address = uri(file)
    return {"uri": address} if address.startswith("file:") else {"uri": address, "uriBaseId": ROOT}


def _notification(config: JudgedConfig) -> dict[str, Any]:
    assert config.error is not None
    location = {"locations": [_location(config.place, config.name)]} if config.place.file else {}
    return {"level": "error", "message": _message(config.error.sentence), **location}


def _fingerprint(finding: PlacedFinding, config: JudgedConfig) -> str:
    result, file = finding.result, finding.place.file
    layers = [uri(Path(layer)) if os.path.isfile(layer) else layer for layer in config.layers]
    parts = (result.law_id, result.where, result.key, "" if file is None else uri(file), *layers)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _message(text: str) -> dict[str, str]:
    """A message string: section 3.11.5 reads a brace as the start of a placeholder unless it stands twice."""
    return {"text": readable(text).replace("{", "{{").replace("}", "}}")}
