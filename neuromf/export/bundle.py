"""A folder that `python -m monai.bundle run` runs, where neuromf is not installed.

The network and the autoencoder are MONAI's own classes with weights as safetensors: they can be read, changed and
trained on, which a program of `torch.export` cannot.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuromf.errors import InputError
from neuromf.export.bundle_config import AUTOENCODER, NETWORK, inference_config
from neuromf.export.bundle_licence import bundle_licence, is_demo
from neuromf.export.bundle_metadata import bundle_metadata
from neuromf.export.bundle_readme import bundle_readme
from neuromf.export.licence import Licence
from neuromf.export.safetensors_file import write_weights
from neuromf.export.subject import ExportedRun
from neuromf.json_text import json_text
from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import VaeArchitecture
from neuromf.nets.vae_checkpoint import save_vae

SCRIPTS = Path(__file__).parent / "standalone"
PARTS = ("configs", "models", "docs", "scripts")


def refuse_own_code(subject: ExportedRun) -> None:
    """Refuse a network or an autoencoder that code of the user's own builds, which nobody else has.

    Raises:
        InputError: naming it, and what can be exported.
    """
    for key, factory in (("unet.factory", subject.config.unet.factory), ("vae.factory", subject.config.vae.factory)):
        if factory is not None:
            problem = f"{factory} is code of your own, which a bundle of MONAI's networks cannot hold"
            remedy = "use --to torch-export, whose programs need no code"
            raise InputError(problem, remedy=remedy, file=subject.run.config, key=key)


def write_bundle(
    folder: Path, subject: ExportedRun, codec: LatentCodec, story: Mapping[str, Any], licence: Licence
) -> None:
    """Fill an empty folder.

    Args:
        folder: of the bundle.
        subject: the run.
        codec: its autoencoder.
        story: `provenance` of it.
        licence: of the weights.
    """
    architecture = codec.architecture
    assert isinstance(architecture, VaeArchitecture)  # `refuse_own_code`
    for part in PARTS:
        (folder / part).mkdir()
    write_weights(folder / "models" / NETWORK, subject, story)
    save_vae(folder / "models" / AUTOENCODER, codec.network, architecture, codec.scale_factor)
    for script in sorted(SCRIPTS.glob("*.py")):
        shutil.copyfile(script, folder / "scripts" / script.name)
    demo = is_demo(subject.config.vae.checkpoint)
    (folder / "LICENSE").write_text(bundle_licence(licence, demo=demo), encoding="utf-8")
    (folder / "docs" / "README.md").write_text(bundle_readme(story, licence), encoding="utf-8")
    _write_json(folder / "docs" / "provenance.json", story)
    _write_json(folder / "configs" / "metadata.json", bundle_metadata(subject, story, licence))
    _write_json(folder / "configs" / "inference.json", inference_config(subject, architecture))


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json_text(dict(document)) + "\n", encoding="utf-8")
