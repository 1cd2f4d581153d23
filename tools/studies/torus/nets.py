"""Networks that the study varies: a small transformer, and a derivative that is clipped or normalised."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional

from neuromf.torus.distribution import DIMS
from neuromf.torus.net import Linears, TimeLayers

CLIPPED_AT = 5.0
"""Largest root mean square of du/dt over a sample's dims; on the torus a healthy one has 1 to 3."""


class BoundedDerivative(nn.Module):
    """A network whose forward-mode derivative is bounded, as public codes do that train at a large time scale.

    With u-prediction the output's derivative is du/dt itself. The value is not touched.

    Args:
        net: the network.
        kind: `clipped` to a root mean square of `CLIPPED_AT` a sample, or `normalised` to one of 1.
    """

    def __init__(self, net: nn.Module, kind: str) -> None:
        super().__init__()
        self.net, self.kind = net, kind

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
        """Predict at points (B, dims) and times."""
        output: Tensor = self.net(z, r_B, t_B)
        value, tangent = forward_ad.unpack_dual(output)  # type: ignore[no-untyped-call]
        if tangent is None:
            return output
        size = tangent.square().mean(dim=1, keepdim=True).sqrt()
        factor = (CLIPPED_AT / size).clamp(max=1) if self.kind == "clipped" else 1 / size
        return forward_ad.make_dual(value, tangent * factor)  # type: ignore[no-untyped-call, no-any-return]


class TorusTransformer(nn.Module):
    """Two attention layers over the four coordinates as tokens, in copies side by side like `TorusNet`.

    Args:
        seeds: one a copy.
        qk_norm: divide queries and keys by their root mean square before they meet.
        time_scale: factor on the times before the embedding.
        precision: type that the embedding is computed in.
    """

    def __init__(
        self, seeds: Sequence[int], *, qk_norm: bool, time_scale: float, precision: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.copies, self.width, self.qk_norm = len(generators), 32, qk_norm
        self.time = TimeLayers(generators, self.width, time_scale, precision)
        self.first = Linears(generators, 1 + DIMS, self.width)
        sizes = (("queries_keys_values", 3), ("attended", 1), ("hidden", 2))
        self.layers = nn.ModuleList(
            nn.ModuleDict({name: Linears(generators, self.width, factor * self.width) for name, factor in sizes})
            for _ in range(2)
        )
        self.down = nn.ModuleList(Linears(generators, 2 * self.width, self.width) for _ in range(2))
        self.last = Linears(generators, self.width, 1)

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
        """Predict at points (M B, 4) and times; a token is a coordinate and which it is."""
        place = torch.eye(DIMS, device=z.device).expand(len(z), -1, -1)
        tokens = torch.cat([z[..., None], place], dim=2).reshape(self.copies, -1, 1 + DIMS)
        time = self.time(r_B, t_B).repeat_interleave(DIMS, dim=1)
        x = self.first(tokens)
        for layer, down in zip(self.layers, self.down, strict=True):
            assert isinstance(layer, nn.ModuleDict)
            x = x + self._attend(layer, self._normal(x) + time)
            x = x + down(functional.silu(layer["hidden"](self._normal(x) + time)))
        output: Tensor = self.last(self._normal(x))
        return output.reshape(z.shape)

    def _normal(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + 1e-6)

    def _attend(self, layer: nn.ModuleDict, x: Tensor) -> Tensor:
        joint = layer["queries_keys_values"](x).reshape(-1, DIMS, 3, 4, self.width // 4)
        queries, keys, values = joint.permute(2, 0, 3, 1, 4).unbind(0)
        if self.qk_norm:
            queries, keys = self._normal(queries), self._normal(keys)
        mixed = functional.scaled_dot_product_attention(queries, keys, values)
        attended: Tensor = layer["attended"](mixed.transpose(1, 2).reshape(x.shape))
        return attended
