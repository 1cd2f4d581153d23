"""Decoders that remember: what one latent was decoded to is given again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from torch import Tensor

from neuromf.nets.vae import LatentCodec


def decode_once(patch: pytest.MonkeyPatch) -> None:
    """Let each latent be decoded once by the same weights in the same parts, until the patch is undone.

    A decoder has no randomness, and its products are nearly all of the time of an evaluation.
    """
    decode: Callable[[LatentCodec, Tensor], Tensor] = LatentCodec.decode
    known: dict[tuple[object, ...], Tensor] = {}

    def remembered(codec: LatentCodec, latents: Tensor) -> Tensor:
        digest = hashlib.sha256(latents.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
        key = (
            codec.fingerprint,
            codec.tiling,
            codec.scale_factor,
            str(codec.device),
            latents.dtype,
            latents.shape,
            digest,
        )
        if key not in known:
            known[key] = decode(codec, latents)
        return known[key].clone()

    patch.setattr(LatentCodec, "decode", remembered)
