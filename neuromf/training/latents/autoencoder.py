"""The autoencoder that a run's latents were encoded with, wherever its file lies now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuromf.config.schema import OWN_WEIGHTS, VaeConfig
from neuromf.errors import InputError
from neuromf.nets.vae import LatentCodec, load_vae
from neuromf.nets.vae_source import vae_source

SHIPPED = "demo"
WITHOUT_FILE = (SHIPPED, OWN_WEIGHTS)
"""Names that no file stands for."""
ELSEWHERE = "put it there, or give the file with --vae FILE"


def absolute_name(checkpoint: str) -> str:
    """`vae.checkpoint` so that it means the same from every folder."""
    return checkpoint if checkpoint in WITHOUT_FILE else str(Path(checkpoint).absolute())


def find_autoencoder(names: Sequence[str], *, remedy: str = ELSEWHERE) -> str:
    """The first of several names that is there.

    Args:
        names: "demo" or files, the likeliest first.
        remedy: what the user can do when none is.

    Raises:
        InputError: none is, naming the first.
    """
    for name in names:
        if name in WITHOUT_FILE or Path(name).is_file():
            return name
    problem = "the run's autoencoder is not on this machine"
    raise InputError(problem, remedy=remedy, file=names[0], key="vae.checkpoint")


def open_autoencoder(vae: VaeConfig, name: str, fingerprint: str, *, remedy: str = ELSEWHERE) -> LatentCodec:
    """Load the autoencoder and see that it is the run's.

    Args:
        vae: what the run's configuration says of it.
        name: "demo" or a file.
        fingerprint: of the one that the latents were encoded with.
        remedy: what the user can do when it is another one.

    Raises:
        InputError: it cannot be read, or is another one: what it decoded would be no picture of these latents.
    """
    codec = load_vae(vae_source(vae, name))
    if codec.fingerprint != fingerprint:
        problem = (
            f"is another autoencoder than the run's (fingerprint {codec.fingerprint[:12]}, not {fingerprint[:12]})"
        )
        remedy = remedy if vae.factory is None else f"put back the code of {vae.factory} as it was, or {remedy}"
        raise InputError(problem, remedy=remedy, file=name, key="vae.checkpoint")
    return codec
