"""Where the shipped weights come from, as a JSON file beside them."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neuromf import __version__
from neuromf.nets.vae import LatentCodec
from neuromf.output import write_output
from tools.demo_vae.objective import CORRELATION_WEIGHT, GRADIENT_WEIGHT, KL_WEIGHT
from tools.demo_vae.quality import ReconstructionQuality
from tools.demo_vae.volumes import COHORT_SEED, DEMO_PREPROCESSING

_LIBRARIES = ("torch", "monai", "nilearn", "nibabel", "numpy", "scipy", "safetensors")


def write_provenance(
    path: Path,
    *,
    options: dict[str, Any],
    codec: LatentCodec,
    training: Tensor,
    quality: ReconstructionQuality,
    wall_seconds: float,
) -> None:
    """Write what was run, on what, and what came out.

    Args:
        path: file to write.
        options: the command line's options.
        codec: the trained codec.
        training: training volumes (N, 1, D, H, W), for the latents' statistics.
        quality: of held-out subjects.
        wall_seconds: of cohort, training and measurement.
    """
    latents = torch.cat([codec.encode(volume[None]) for volume in training]).double()
    record = {
        "command": "python -m tools.demo_vae.train "
        + " ".join(f"--{name} {value}" for name, value in options.items() if name != "out"),
        "options": {name: value for name, value in options.items() if name != "out"},
        "architecture": asdict(codec.architecture),
        "scale_factor": codec.scale_factor,
        "fingerprint": codec.fingerprint,
        "objective": {
            "kl_weight": KL_WEIGHT,
            "gradient_weight": GRADIENT_WEIGHT,
            "correlation_weight": CORRELATION_WEIGHT,
            "precision": "bfloat16 autocast",
        },
        "data": {
            "source": "neuromf demonstration cohort",
            "seed": COHORT_SEED,
            "preprocessing": asdict(DEMO_PREPROCESSING),
        },
        "held_out_quality": asdict(quality),
        "scaled_training_latents": {
            "mean": latents.mean((0, 2, 3, 4)).tolist(),
            "std": latents.std((0, 2, 3, 4)).tolist(),
            "correlation": torch.corrcoef(latents.transpose(0, 1).flatten(1)).tolist(),
        },
        "wall_seconds": round(wall_seconds, 1),
        "threads": torch.get_num_threads(),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), "neuromf": __version__}
        | {name: version(name) for name in _LIBRARIES},
    }
    write_output(path, json.dumps(record, indent=2) + "\n")
