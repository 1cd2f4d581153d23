"""An evaluation as a JSON document (`neuromf evaluate --json`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from neuromf import __version__
from neuromf.evaluation.metrics.catalogue import MEASURES
from neuromf.evaluation.result import SampleEvaluation

SCHEMA = 1
"""Number of the document's form; it grows when a key changes its meaning."""


def evaluation_document(evaluation: SampleEvaluation) -> dict[str, Any]:
    """Everything that the screen says."""
    return {
        "schema": SCHEMA,
        "neuromf": __version__,
        "exit_code": evaluation.exit_code,
        "judged": evaluation.judged.value,
        **asdict(evaluation),
        "measures": {measure.key: asdict(measure) for measure in MEASURES},
    }
