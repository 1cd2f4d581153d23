"""A bundle is run by MONAI's own command in a process that cannot import neuromf."""

from __future__ import annotations

import os
import subprocess
import sys

import nibabel
import numpy as np
import pytest
import torch

from neuromf.export.export import export_run
from neuromf.sampling.sampling import sample_run
from tests.support.tiny_run import make_tiny_config
from tests.support.trained_run import trained_run

ABSENT = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("neuromf", "neuromf_spec", "tests", "tools"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
"""
"""A `sitecustomize` under which an installed neuromf, editable or not, is not found."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Six steps on real anatomy."""
    with pytest.MonkeyPatch.context() as patch:
        yield trained_run(tmp_path_factory.mktemp("trained"), patch, make_tiny_config())


@pytest.fixture
def elsewhere(tmp_path):
    """Runs Python where there is no neuromf, in a folder that is given."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ABSENT)
    around = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    around.pop("PYTHONSAFEPATH", None)

    def ran(folder, *arguments):
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, check=False)

    return ran


def test_monai_runs_a_bundle_where_there_is_no_neuromf(run, elsewhere, tmp_path):
    """`python -m monai.bundle run` writes the volumes of `neuromf sample`, from another place than it was made in."""
    assert "No module named 'neuromf'" in elsewhere(tmp_path, "-c", "import neuromf").stderr
    ours = sample_run(run, steps=2, count=2, seed=3, out=tmp_path / "ours", device=torch.device("cpu"))
    export_run(run, to="monai-bundle", out=tmp_path / "made")
    moved = (tmp_path / "made").rename(tmp_path / "moved")
    asked = ("--count", "2", "--steps", "2", "--seed", "3", "--output_dir", "heads")
    ended = elsewhere(moved, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json", *asked)
    assert ended.returncode == 0, ended.stderr
    for path in ours.volumes:
        expected, found = nibabel.load(path), nibabel.load(moved / "heads" / path.name)
        np.testing.assert_allclose(found.get_fdata(), expected.get_fdata(), rtol=1e-5, atol=1e-5)
        assert np.array_equal(found.affine, expected.affine)


def test_a_program_runs_where_there_is_no_neuromf(run, elsewhere, tmp_path):
    """Torch alone makes a latent of noise."""
    export_run(run, to="torch-export", out=tmp_path / "programs")
    code = (
        "import torch; one = torch.export.load('one_step.pt2').module(); "
        "print(*one(torch.zeros(3, 4, 8, 8, 8))[1].shape)"
    )
    ended = elsewhere(tmp_path / "programs", "-c", code)
    assert ended.stdout == "3 4 8 8 8\n", ended.stderr
