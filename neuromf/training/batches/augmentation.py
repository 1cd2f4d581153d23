"""Latents as they could have been: mirrored, a little noisier, with channels a little stronger or weaker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from neuromf.config.schema import AugmentationConfig

Transform: TypeAlias = Any
"""A random transform of MONAI's, whose calls have no common type."""
_RIGHT = 0
"""Spatial axis of a latent that runs from left to right: preprocessed scans are stored R, A, S."""


def augmentations(settings: AugmentationConfig) -> list[Transform]:
    """The transforms of a run; none where nothing is asked for."""
    flip, scale, noise = settings.flip_probability, settings.channel_scale, settings.noise_std
    if not (flip or scale or noise):
        return []
    # MONAI takes seconds to import; only those who augment should wait for it.
    from monai.transforms.intensity.array import RandGaussianNoise, RandScaleIntensity
    from monai.transforms.spatial.array import RandFlip

    chosen: list[Transform] = [RandFlip(prob=flip, spatial_axis=_RIGHT)] if flip else []
    chosen += [RandScaleIntensity(factors=scale, prob=1.0, channel_wise=True)] if scale else []
    return chosen + ([RandGaussianNoise(prob=1.0, std=noise, sample_std=False)] if noise else [])


def augmented(latent: Tensor, transforms: Sequence[Transform], generator: np.random.Generator) -> Tensor:
    """One latent (C, D, H, W), augmented as a pure function of the generator.

    The mirrored latent stands for the latent of the mirrored head; an autoencoder is not exactly symmetric, so that the
    two differ a little.

    Args:
        latent: normalised; it is left as it is.
        transforms: of `augmentations`.
        generator: of this sample in this step, used for nothing else.
    """
    state = np.random.RandomState(generator.bit_generator)
    image = latent
    for transform in transforms:
        image = transform.set_random_state(state=state)(image)
    return torch.as_tensor(image).as_subclass(Tensor).to(latent.dtype).contiguous()
