"""The demonstration cohort as one tensor of preprocessed volumes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from neuromf.data.cohort import discover_scans
from neuromf.data.demo import build_demo_cohort
from neuromf.data.nifti import read_volume
from neuromf.data.preprocess import Preprocessing, preprocess

DEMO_PREPROCESSING = Preprocessing(spacing_mm=3.0, shape=(64, 64, 64), intensity_percentiles=(0.0, 99.5))


COHORT_SEED = 1_000_003
"""Apart from any seed a user would take, so that no demonstration cohort contains a training subject."""


def demo_volumes(subjects: int) -> Tensor:
    """Build the cohort in a temporary folder and preprocess it.

    Args:
        subjects: number of heads.

    Returns:
        float32 (subjects, 1, 64, 64, 64) in [0, 1].
    """
    with tempfile.TemporaryDirectory() as folder:
        root = build_demo_cohort(Path(folder) / "cohort", subjects, COHORT_SEED)
        volumes = [preprocess(read_volume(scan.path), DEMO_PREPROCESSING).data for scan in discover_scans(root)]
    return torch.stack([torch.from_numpy(data)[None] for data in volumes])
