"""`configs/inference.json`: how MONAI builds the network, the sampler and the autoencoder, and what it runs."""

from __future__ import annotations

from typing import Any

from neuromf.config.schema import Config
from neuromf.export.subject import ExportedRun
from neuromf.nets.vae_architecture import VaeArchitecture

NETWORK, AUTOENCODER = "network.safetensors", "autoencoder.safetensors"
WAYS = ("scripts.sampling.sampling_noise", "scripts.sampling.sample")
COUNT, STEPS, MANY = 4, 1, 50
"""Samples, and evaluations of each: of a MeanFlow, and of a flow matching, which one step does not suffice."""


def inference_config(subject: ExportedRun, architecture: VaeArchitecture) -> dict[str, Any]:
    """The configuration of a bundle; `@name` is MONAI's reference to another key, `$` begins an expression."""
    noise, sampler = ({"_target_": name, "_mode_": "callable"} for name in WAYS)
    return {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/samples'",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "count": COUNT,
        "steps": MANY if subject.follows_flow else STEPS,
        "seed": 0,
        **({} if subject.y_1K is None else {"covariates": subject.y_1K[0].tolist()}),
        "network_def": _network(subject),
        "network": _weighted("@network_def", NETWORK),
        "autoencoder_def": _autoencoder(subject.config, architecture),
        "autoencoder": _weighted("@autoencoder_def", AUTOENCODER),
        "decoder": _decoder(subject, architecture),
        "noise": noise,
        "sampler": sampler,
        "generation": {
            "_target_": "scripts.generation.generate",
            **{key: f"@{key}" for key in ("network", "decoder", "noise", "sampler", "output_dir", "device")},
            **{key: f"@{key}" for key in ("count", "steps", "seed")},
            "latent_shape": list(subject.store.latent_shape),
            "affine": [list(row) for row in subject.store.description.affine],
            "t_min": subject.config.meanflow.t_min,
        },
        "run": ["$print('\\n'.join(@generation))"],
    }


def _weighted(module: str, file: str) -> dict[str, Any]:
    path = f"$@bundle_root + '/models/{file}'"
    return {"_target_": "scripts.weights.with_weights", "module": module, "file": path, "place": "cpu"}


def _network(subject: ExportedRun) -> dict[str, Any]:
    unet, meanflow = subject.config.unet, subject.config.meanflow
    channels = subject.config.vae.latent_channels
    backbone = {
        "_target_": "monai.networks.nets.DiffusionModelUNet",
        "spatial_dims": 3,
        "in_channels": channels,
        "out_channels": channels,
        "channels": list(unet.channels),
        "attention_levels": list(unet.attention_levels),
        "num_head_channels": unet.head_channels,
        "num_res_blocks": unet.num_res_blocks,
        "norm_num_groups": unet.norm_num_groups,
        "resblock_updown": unet.resblock_updown,
        "use_flash_attention": unet.flash_attention,
    }
    return {
        "_target_": "scripts.network.AverageVelocityNetwork",
        "backbone": backbone,
        "width": unet.channels[0],
        "conditioning": unet.conditioning,
        "time_scale": unet.time_scale,
        "prediction": meanflow.prediction,
        "t_min": meanflow.t_min,
        "along_flow": subject.follows_flow,
        "covariates": [] if subject.y_1K is None else "@covariates",
    }


def _autoencoder(config: Config, architecture: VaeArchitecture) -> dict[str, Any]:
    return {
        "_target_": "monai.apps.generation.maisi.networks.autoencoderkl_maisi.AutoencoderKlMaisi",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 1,
        "num_channels": list(architecture.num_channels),
        "num_res_blocks": list(architecture.num_res_blocks),
        "attention_levels": [False] * len(architecture.num_channels),
        "latent_channels": architecture.latent_channels,
        "norm_num_groups": architecture.norm_num_groups,
        "num_splits": config.vae.num_splits,
        "dim_split": 1,
        "norm_float16": False,
        "save_mem": False,
    }


def _decoder(subject: ExportedRun, architecture: VaeArchitecture) -> dict[str, Any]:
    vae, description = subject.config.vae, subject.store.description
    return {
        "_target_": "scripts.decoding.LatentDecoder",
        "autoencoder": "@autoencoder",
        "mean": list(description.statistics.mean),
        "std": list(description.statistics.std),
        "scale_factor": description.scale_factor,
        "tile": None if vae.tile_voxels is None else vae.tile_voxels // architecture.stride,
        "overlap": vae.tile_overlap,
        "half_norms": vae.norm_float16,
    }
