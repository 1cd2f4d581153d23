"""The autoencoder that a run's latents were encoded with, wherever its file lies now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuromf.errors import InputError
from neuromf.nets.vae import LatentCodec, load_vae

SHIPPED = "demo"
ELSEWHERE = "put it there, or give the file with --vae FILE"


def absolute_name(checkpoint: str) -> str:
    """`vae.checkpoint` so that it means the same from every folder."""
    return checkpoint if checkpoint == SHIPPED else str(Path(checkpoint).absolute())


def find_autoencoder(names: Sequence[str], *, remedy: str = ELSEWHERE) -> str:
    """The first of several names that is there.

    Args:
        names: "demo" or files, the likeliest first.
        remedy: what the user can do when none is.

    Raises:
        InputError: none is, naming the first.
    """
    for name in names:
        if name == SHIPPED or Path(name).is_file():
            return name
    problem = "the run's autoencoder is not on this machine"
    raise InputError(problem, remedy=remedy, file=names[0], key="vae.checkpoint")


def open_autoencoder(name: str, fingerprint: str, *, remedy: str = ELSEWHERE) -> LatentCodec:
    """Load the autoencoder and see that it is the run's.

    Args:
        name: "demo" or a file.
        fingerprint: of the one that the latents were encoded with.
        remedy: what the user can do when it is another one.

    Raises:
        InputError: it cannot be read, or is another one: what it decoded would be no picture of these latents.
    """
    codec = load_vae(name)
    if codec.fingerprint != fingerprint:
        problem = (
            f"is another autoencoder than the run's (fingerprint {codec.fingerprint[:12]}, not {fingerprint[:12]})"
        )
        raise InputError(problem, remedy=remedy, file=name, key="vae.checkpoint")
    return codec
