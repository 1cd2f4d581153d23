"""A run that was trained, gated and evaluated, and what is exported of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuromf.evaluation.kept import keep_evaluation
from neuromf.export.export import export_run
from neuromf.export.subject import ExportedRun, open_export
from tests.support.exported import GATE, evaluated
from tests.support.tiny_run import make_tiny_config
from tests.support.trained_run import trained_run


@pytest.fixture(scope="session")
def exported_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Its folder; the cache stays as long as the tests run."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        run = trained_run(folder, patch, make_tiny_config())
        kept = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps(kept | {"gate": GATE}))
        keep_evaluation(run, evaluated(run))
        yield run


@pytest.fixture(scope="session")
def subject(exported_run: Path) -> ExportedRun:
    """The run, opened."""
    return open_export(exported_run)


@pytest.fixture(scope="session")
def bundle(exported_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the run, under a licence of its own."""
    out = tmp_path_factory.mktemp("bundles") / "heads"
    export_run(exported_run, to="monai-bundle", out=out, licence="CC-BY-NC-4.0")
    return out


@pytest.fixture
def as_flow_matching(subject: ExportedRun) -> ExportedRun:
    """The run, had it been trained at r = t alone."""
    sampling = subject.config.time_sampling.model_copy(update={"data_proportion": 1.0})
    return dataclasses.replace(subject, config=subject.config.model_copy(update={"time_sampling": sampling}))
