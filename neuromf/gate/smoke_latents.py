"""Chooses the latents of the gate's smoke training: the user's own if they are encoded already, else the demo's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from neuromf.config.schema import Config
from neuromf.data.cohort import Scan
from neuromf.data.latent_set import LatentSet, StoredLatents
from neuromf.data.store import LatentStore
from neuromf.errors import InputError
from neuromf.sampling.montage import mid_slice
from neuromf.sampling.sampling import decode
from neuromf.training.latents.store import encoded_store, training_store

OWN_AT_MOST = 32
"""Latents of the user's own that are read: 57 MB at 4 x 48^3, and more variety than the demo's twelve heads have."""
DEMO = "latents of the demo cohort"
WHOLE_HEAD = ("num_splits", "norm_float16", "tile_voxels", "tile_overlap")
"""Keys of the autoencoder that spare memory, which a small head does not need."""


@dataclass(frozen=True)
class SmokeLatents:
    """What a smoke training is trained on.

    Attributes:
        config: the shrunk configuration, with the shape of these latents.
        training: normalised, (N, C, D, H, W).
        whole: the set that they are cut from, as a training would see it.
        origin: what they are, for the verdict.
        store: whose statistics normalise them.
        codec: "demo" or a file; what is pictured goes through the first, for MAISI's takes half a minute on a CPU.
    """

    config: Config
    training: Tensor
    whole: LatentSet
    origin: str
    store: LatentStore
    codec: str

    @property
    def pictured(self) -> str:
        """What `picture` shows."""
        return "decoded" if self.codec == "demo" else "first channel of the latent"

    def picture(self, latents: Tensor) -> np.ndarray:
        """An axial slice of the first of some normalised latents (B, C, D, H, W)."""
        if self.codec == "demo":
            return mid_slice(decode(latents[:1], self.config, self.store)[0], 2)
        channel = latents[0, 0].float()
        low, high = channel.min(), channel.max()
        return mid_slice(((channel - low) / (high - low).clamp(min=1e-12)).numpy(), 2)


def smoke_latents(
    config: Config, small: Config, on_progress: Callable[[int, int], None], scans: Sequence[Scan] | None = None
) -> SmokeLatents:
    """Latents for a smoke training of `config`, whose shrunk form is `small`; `scans` are its own, if they are known.

    A user's own are cut: the middle cells of each are taken, so many as the small network reads. They are neither
    pooled nor scaled, which would change the statistics that the objective meets.
    """
    why = ""
    if config.data.source != "demo":
        try:
            if (own := _own_latents(config, small, scans)) is not None:
                return own
            why = ", because your own scans are not encoded yet"
        except InputError as error:
            why = f", because your own cannot be used ({error.problem})"
    store = training_store(small, on_progress)
    training = store.split("train")
    return SmokeLatents(small, training, training, DEMO + why, store, small.vae.checkpoint)


def _own_latents(config: Config, small: Config, scans: Sequence[Scan] | None) -> SmokeLatents | None:
    store = encoded_store(config, scans)
    if store is None:
        return None
    whole = StoredLatents(store, "train")
    shape = _cut_shape(store.latent_shape, small)
    count = min(len(whole), OWN_AT_MOST)
    training = _middle(whole[[index * len(whole) // count for index in range(count)]], shape)
    voxels = tuple(size * config.vae.stride for size in shape)
    whole_head = {name: getattr(small.vae, name) for name in WHOLE_HEAD}
    vae = config.vae.model_copy(update=whole_head)
    cut = small.model_copy(update={"data": small.data.model_copy(update={"shape": voxels}), "vae": vae})
    cells = "x".join(str(size) for size in shape)
    origin = f"{count} of your own latents, the middle {cells} cells of each"
    return SmokeLatents(cut, training, whole, origin, store, config.vae.checkpoint)


def _cut_shape(latent_shape: tuple[int, ...], small: Config) -> tuple[int, int, int]:
    """The small network's cells along each axis, or the most that it can halve as often as it does.

    Raises:
        InputError: an axis is shorter than that.
    """
    step = small.unet.stride
    depth, height, width = (
        min(own, wanted) // step * step for own, wanted in zip(latent_shape[1:], small.latent_shape[1:], strict=True)
    )
    if not min(depth, height, width):
        remedy = "use a larger data.shape"
        raise InputError(f"latents of {latent_shape} are too small for a short training", remedy=remedy)
    return depth, height, width


def _middle(latents: Tensor, shape: tuple[int, ...]) -> Tensor:
    for axis, size in enumerate(shape, start=2):
        latents = latents.narrow(axis, (latents.shape[axis] - size) // 2, size)
    return latents.contiguous()
