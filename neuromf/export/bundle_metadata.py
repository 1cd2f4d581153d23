"""`configs/metadata.json`: what MONAI's specification of a bundle wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import neuromf
from neuromf.export.licence import Licence
from neuromf.export.subject import ExportedRun

FORM = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
"""Schema that `monai.bundle verify_metadata` downloads."""
PACKAGES = ("nibabel", "safetensors", "einops")
"""What the bundle needs besides torch, MONAI and numpy."""
VERSION = "0.1.0"
UNNAMED = "not named: fill in before you publish the bundle"
USE = "research alone, not for clinical use"


def bundle_metadata(subject: ExportedRun, story: Mapping[str, Any], licence: Licence) -> dict[str, Any]:
    """The metadata of a bundle, whose network is described as one evaluation at t = 1 and r = 0."""
    return {
        "schema": FORM,
        "version": VERSION,
        "changelog": {VERSION: f"exported by neuromf {neuromf.__version__}: {subject.weights}"},
        "monai_version": _released("monai"),
        "pytorch_version": _released("torch"),
        "numpy_version": _released("numpy"),
        "required_packages_version": {name: _released(name) for name in PACKAGES},
        "name": "MeanFlow of 3D brain MRI",
        "task": "generation of 3D T1-weighted brain MRI",
        "description": "A MeanFlow on latents of an autoencoder: a head of noise in one network evaluation, or more.",
        "authors": UNNAMED,
        "copyright": f"weights: {licence.name}; scripts: Apache-2.0",
        "data_source": f"not named; latents of sha256 {story['data']['latents_sha256']}",
        "data_type": "nibabel",
        "intended_use": USE,
        "eval_metrics": _measured(story["evaluation"]),
        "references": ["Geng et al., Mean Flows for One-step Generative Modeling, arXiv:2505.13447"],
        "network_data_format": _data_format(subject),
    }


def _released(package: str) -> str:
    """A package's version without what tells its build, such as +cpu."""
    return version(package).partition("+")[0]


def _measured(evaluation: Any) -> dict[str, float]:  # noqa: ANN401 - a document, or a sentence where there is none
    """The numbers of samples, by `measure/evaluations`; all of them with intervals are in docs/provenance.json."""
    if not isinstance(evaluation, dict):
        return {}
    rows = [row for row in evaluation["rows"] if row["evaluations"] is not None]
    return {f"{key}/{row['evaluations']}": found["value"] for row in rows for key, found in row["measures"].items()}


def _data_format(subject: ExportedRun) -> dict[str, Any]:
    channels, *shape = subject.store.latent_shape
    tensor = {
        "type": "image",
        "format": "latent",
        "modality": "MR",
        "num_channels": channels,
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": False,
    }

    def named(what: str) -> dict[str, Any]:
        return tensor | {"channel_def": {str(channel): f"{what}, channel {channel}" for channel in range(channels)}}

    return {
        "inputs": {"image": named("standard normal noise, of normalised latents")},
        "outputs": {"pred": named("average velocity from t = 1 to r = 0; noise less it is a normalised latent")},
    }
