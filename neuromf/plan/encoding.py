"""Operations of a scan's encoding, counted on fake tensors."""

from __future__ import annotations

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_source import vae_source


def encoding_flops(config: Config) -> float | None:
    """Operations, two for a multiplication and an addition, of the encoding of one scan; in one part.

    Returns:
        None where the autoencoder of the configuration cannot be read.
    """
    try:
        codec = load_vae(vae_source(config.vae))
    except InputError:
        return None
    # Its weights are real; nothing is computed with them.
    with FakeTensorMode(allow_non_fake_inputs=True), FlopCounterMode(display=False) as counted:
        codec.encode(torch.empty((1, 1, *config.data.shape)))
    return float(counted.get_total_flops())
