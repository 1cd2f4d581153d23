"""Where exported weights come from: configuration, data, the gate's verdict, the evaluation, versions, licence."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

import neuromf
from neuromf.config.resolve import config_hash
from neuromf.evaluation.kept import kept_evaluation
from neuromf.export.conventions import conventions
from neuromf.export.licence import Licence
from neuromf.export.public_config import public_config
from neuromf.export.subject import ExportedRun
from neuromf.gate.result import REFUSED
from neuromf.gate.static import static_findings
from neuromf.training.records.run_folder import CODE_HASH, recorded_environment

SCHEMA = 1
"""Number of the document's form; it grows when a key changes its meaning."""
TRAINED_WITH = (
    "neuromf", "python", "torch", "numpy", "machine", "device", "device_name", "capability", "ranks", CODE_HASH,
)  # fmt: skip
"""What `run.json` says that names no file, person or machine."""
NO_EVALUATION = "not evaluated before the export (`neuromf evaluate RUN`)"


def provenance(subject: ExportedRun, licence: Licence) -> dict[str, Any]:
    """All that is told of exported weights. It names no subject, no scan and no path.

    Raises:
        InputError: the run's records cannot be read.
    """
    recorded = recorded_environment(subject.run)
    return {
        "schema": SCHEMA,
        "step": subject.step,
        "weights": subject.weights,
        "parameters": sum(parameter.numel() for parameter in subject.net.parameters()),
        "conventions": conventions(subject),
        "gate": _gate(subject, recorded.get("gate", "not recorded")),
        "evaluation": kept_evaluation(subject.run.root, subject.step) or NO_EVALUATION,
        "licence": licence.name,
        "config": public_config(subject.config),
        "config_hash": config_hash(subject.config),
        "data": _data(subject),
        "trained_with": {key: recorded[key] for key in TRAINED_WITH if key in recorded},
        "exported_with": {"neuromf": neuromf.__version__, "torch": torch.__version__},
    }


def _gate(subject: ExportedRun, recorded: str) -> dict[str, Any]:
    """What the gate said when the run began, and what the laws of today say of its configuration."""
    findings = static_findings(subject.config, {})
    by_status = {
        status: [finding.law_id for finding in findings if finding.status == status]
        for status in (*REFUSED, "warn", "info")
    }
    return {
        "when_it_began": recorded,
        "now": {"neuromf": neuromf.__version__, "laws": len(findings), **by_status},
    }


def _data(subject: ExportedRun) -> dict[str, Any]:
    """What the latents are, by hashes and numbers."""
    description = subject.store.description
    splits = subject.store.manifest["split"].value_counts()
    return {
        "source": subject.config.data.source,
        "latents_sha256": description.content_hash,
        "autoencoder_sha256": description.codec_fingerprint,
        "scans": {str(split): int(count) for split, count in sorted(splits.items())},
        "preprocessing": asdict(description.preprocessing),
        "encoding": description.encoding,
        "split_ratios": list(description.split_ratios),
        "split_seed": description.split_seed,
        "affine": [list(row) for row in description.affine],
    }
