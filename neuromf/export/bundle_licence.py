"""`LICENSE` of a bundle: its three parts have three owners."""

from __future__ import annotations

from pathlib import Path

from neuromf.export.licence import Licence
from neuromf.nets.vae_checkpoint import DEMO_WEIGHTS

SCRIPTS = """scripts/ and configs/ were written by the neuromf contributors, under the Apache License, Version 2.0
(https://www.apache.org/licenses/LICENSE-2.0)."""
DEMO = """models/autoencoder.safetensors is the demonstration autoencoder of neuromf, under the same license."""
OTHER = """models/autoencoder.safetensors is an autoencoder that was trained elsewhere, and keeps the licence that it
came with; for MAISI's autoencoder_v2.pt that is NVIDIA's. Whether it allows you to hand it on is yours to find out."""


def bundle_licence(licence: Licence, *, demo: bool) -> str:
    """The text.

    Args:
        licence: of the network's weights.
        demo: whether the autoencoder is the one that ships with neuromf.
    """
    weights = f"models/network.safetensors, the weights of the network:\n\n{licence.text}"
    return "\n\n".join([weights, DEMO if demo else OTHER, SCRIPTS]) + "\n"


def is_demo(autoencoder: str) -> bool:
    """Whether a name is that of the autoencoder that ships."""
    return autoencoder == "demo" or Path(autoencoder) == DEMO_WEIGHTS
