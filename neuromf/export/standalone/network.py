"""The network of the bundle: MONAI's DiffusionModelUNet, told two times, as the average velocity of a flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

LONGEST_PERIOD = 10_000.0
TOLD = {
    "t_and_gap": ("embed_time", "embed_interval"),
    "t_and_r": ("embed_time", "embed_start"),
    "gap": ("embed_interval",),
}
"""Embeddings, by what the network is conditioned on."""


class ScaledTimeEmbedding(nn.Module):
    """A perceptron on the cosines and sines of `scale * time * f`, f falling geometrically from 1 to 1/10,000.

    MONAI's own embedding takes whole steps of 1000; this one takes times in [0, 1].

    Args:
        dims: cosines and sines together.
        width: of the perceptron.
        scale: factor on the time.
    """

    def __init__(self, dims: int, width: int, scale: float) -> None:
        super().__init__()
        self.dims, self.scale = dims, scale
        self.layers = nn.Sequential(nn.Linear(dims, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time_B: Tensor) -> Tensor:
        """Embed times (B,) as (B, width)."""
        half = self.dims // 2
        exponent = torch.arange(half, dtype=torch.float64, device=time_B.device) / half
        frequency = torch.exp(-math.log(LONGEST_PERIOD) * exponent).to(time_B.dtype)
        angle = self.scale * time_B[:, None] * frequency[None]
        embedded: Tensor = self.layers(torch.cat([angle.cos(), angle.sin()], dim=1))
        return embedded


class AverageVelocityNetwork(nn.Module):
    """Average velocity u(z, r, t) between r and t, where t = 0 is data and t = 1 is noise.

    Args:
        backbone: a `DiffusionModelUNet`; its own time embedding is taken out.
        width: channels of its first level.
        conditioning: which times it is told: `t_and_gap`, `t_and_r` or `gap`.
        time_scale: factor on each time.
        prediction: what the backbone gives: the velocity `u`, or the data `x`, from which u = (z - x) / max(t, t_min).
        t_min: smallest t that is divided by.
        along_flow: evaluate at r = t whatever r is; of a run that was trained as flow matching.
        covariates: of all samples unless `forward` is given others, as `docs/provenance.json` says under conventions;
            zeros where nothing is known, none of a network that is told of none.
    """

    def __init__(
        self,
        backbone: Any,  # noqa: ANN401 - MONAI's modules have no types
        *,
        width: int,
        conditioning: str,
        time_scale: float,
        prediction: str,
        t_min: float,
        along_flow: bool,
        covariates: Sequence[float] = (),
    ) -> None:
        super().__init__()
        del backbone.time_embed
        self.backbone = backbone
        self.told = TOLD[conditioning]
        for name in self.told:
            self.add_module(name, ScaledTimeEmbedding(width, 4 * width, time_scale))
        self.prediction, self.t_min, self.along_flow = prediction, t_min, along_flow
        self.embed_covariates: nn.Module | None = None
        if covariates:
            layers = (nn.Linear(len(covariates), 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width))
            self.embed_covariates = nn.Sequential(*layers)
            self.register_buffer("given", torch.tensor([list(covariates)]), persistent=False)

    def forward(
        self, z: Tensor, r_B: Tensor | None = None, t_B: Tensor | None = None, y_BK: Tensor | None = None
    ) -> Tensor:
        """Evaluate u.

        Args:
            z: normalised latents (B, C, D, H, W) at time t.
            r_B: start of the interval (B,); 0 when None.
            t_B: time of z (B,); 1 when None, so that `z - network(z)` is a sample of noise z in one step.
            y_BK: covariates of each sample (B, K); those of the constructor when None.
        """
        t_B = z.new_ones(len(z)) if t_B is None else t_B
        r_B = z.new_zeros(len(z)) if r_B is None else r_B
        r_B = t_B if self.along_flow else r_B
        times = {"embed_time": t_B, "embed_interval": t_B - r_B, "embed_start": r_B}
        embedding = torch.stack([self.get_submodule(name)(times[name]) for name in self.told]).sum(0)
        if self.embed_covariates is not None:
            embedding = embedding + self.embed_covariates(self.get_buffer("given") if y_BK is None else y_BK)
        output = self._through(z, embedding)
        if self.prediction == "u":
            return output
        return (z - output) / t_B.clamp(min=self.t_min).reshape(-1, 1, 1, 1, 1)

    def _through(self, z: Tensor, embedding: Tensor) -> Tensor:
        """The backbone with an embedding in place of its own."""
        hidden = self.backbone.conv_in(z)
        skips = [hidden]
        for block in self.backbone.down_blocks:
            hidden, passed = block(hidden_states=hidden, temb=embedding)
            skips += passed
        hidden = self.backbone.middle_block(hidden_states=hidden, temb=embedding)
        for block in self.backbone.up_blocks:
            count = len(block.resnets)
            skips, given = skips[:-count], skips[-count:]
            hidden = block(hidden_states=hidden, res_hidden_states_list=given, temb=embedding)
        output: Tensor = self.backbone.out(hidden)
        return output
