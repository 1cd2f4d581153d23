"""A small network as it should be, and one for each way in which it should not."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from neuromf.flow import NetOutput

Act = Callable[[Tensor], Tensor]


class SmallNet(nn.Module):
    """Two convolutions, moved by an embedding of (t, r)."""

    def __init__(self, channels: int, width: int = 8, act: Act | nn.Module | None = None) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels, width, 3, padding=1)
        self.times = nn.Sequential(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width))
        self.norm: nn.Module = nn.GroupNorm(2, width)
        self.last = nn.Conv3d(width, channels, 3, padding=1)
        self.act = act or nn.SiLU()

    def embed(self, r: Tensor, t: Tensor) -> Tensor:
        """Both times, (B, width)."""
        embedded: Tensor = self.times(torch.stack([t, r], dim=1))
        return embedded

    def forward(self, z: Tensor, r: Tensor, t: Tensor) -> Tensor:
        """Predict."""
        hidden = self.first(z) + self.embed(r, t)[:, :, None, None, None]
        output: Tensor = self.last(self.act(self.norm(hidden)))
        return output


def build(shape: tuple[int, int, int, int], width: int = 8) -> nn.Module:
    """The network as it should be."""
    return SmallNet(shape[0], width)


def zero_start(shape: tuple[int, int, int, int]) -> nn.Module:
    """One that puts out zero at first."""
    net = SmallNet(shape[0])
    nn.init.zeros_(net.last.weight)
    nn.init.zeros_(net.last.bias)  # type: ignore[arg-type]
    return net


class _DeafToR(SmallNet):
    def embed(self, r: Tensor, t: Tensor) -> Tensor:
        return super().embed(torch.zeros_like(r), t)


class _Detached(SmallNet):
    def embed(self, r: Tensor, t: Tensor) -> Tensor:
        return super().embed(r, t.detach())


class _Single(SmallNet):
    def embed(self, r: Tensor, t: Tensor) -> Tensor:
        """In float32 whatever the network's type, as sinusoidal embeddings often are."""
        angles = torch.stack([t, r], dim=1).float() * torch.tensor([3.0, 2.0], device=t.device)
        return super().embed(*reversed(angles.sin().to(self.first.weight.dtype).unbind(1)))


class _Round(torch.autograd.Function):
    """An operator without a forward derivative."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x * 1.0

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return grad


def deaf_to_r(shape: tuple[int, ...]) -> nn.Module:
    """Plain flow matching."""
    return _DeafToR(shape[0])


def detached(shape: tuple[int, ...]) -> nn.Module:
    """Whose derivative in t is lost."""
    return _Detached(shape[0])


def single(shape: tuple[int, ...]) -> nn.Module:
    """Whose times are rounded to float32."""
    return _Single(shape[0])


def no_forward_mode(shape: tuple[int, ...]) -> nn.Module:
    """With an operator of its own."""
    return SmallNet(shape[0], act=lambda x: torch.tanh(_Round.apply(x)))


def batch_norm(shape: tuple[int, ...]) -> nn.Module:
    """Normalised over the batch."""
    net = SmallNet(shape[0])
    net.norm = nn.BatchNorm3d(8)
    return net


def dropout(shape: tuple[int, ...]) -> nn.Module:
    """With dropout."""
    return SmallNet(shape[0], act=nn.Dropout(0.5))


def other_each_time(shape: tuple[int, ...]) -> nn.Module:
    """Whose weights no seed decides."""
    net = SmallNet(shape[0])
    nn.init.normal_(net.first.weight, generator=torch.Generator().manual_seed(torch.seed() % 2**31))
    return net


def half_size(shape: tuple[int, ...]) -> nn.Module:
    """That puts out fewer cells."""
    net = SmallNet(shape[0])
    net.last = nn.Conv3d(8, shape[0], 2, stride=2)
    return net


def idle_layer(shape: tuple[int, ...]) -> nn.Module:
    """With a layer that nothing goes through."""
    net = SmallNet(shape[0])
    net.idle = nn.Linear(3, 3)
    return net


def in_half(shape: tuple[int, ...]) -> nn.Module:
    """With weights in half precision."""
    return SmallNet(shape[0]).half()


def tied(shape: tuple[int, ...]) -> nn.Module:
    """With two parameters in one place."""
    net = SmallNet(shape[0])
    net.register_buffer("again", net.first.weight.data)
    return net


class _Counting(SmallNet):
    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, z: Tensor, r: Tensor, t: Tensor) -> Tensor:
        self.seen += 1
        return super().forward(z, r, t)


def counting(shape: tuple[int, ...]) -> nn.Module:
    """Whose buffer every evaluation changes."""
    return _Counting(shape[0])


class _TwoHeads(SmallNet):
    def forward(self, z: Tensor, r: Tensor, t: Tensor) -> NetOutput:  # type: ignore[override]
        output = super().forward(z, r, t)
        return NetOutput(output, 0.5 * output)


def two_heads(shape: tuple[int, ...]) -> nn.Module:
    """With a velocity beside its prediction."""
    return _TwoHeads(shape[0])


def frozen_part(shape: tuple[int, ...]) -> nn.Module:
    """With a frozen layer and a buffer, as a pretrained part has them."""
    net = SmallNet(shape[0])
    net.first.requires_grad_(False)
    net.register_buffer("shift", torch.full((), 0.5))
    net.register_forward_hook(lambda module, _, output: output + module.shift)
    return net


def no_module(shape: tuple[int, ...]) -> object:
    """No network at all."""
    return lambda z, r, t: z


def raises(shape: tuple[int, ...]) -> nn.Module:
    """Does not get that far."""
    raise FileNotFoundError("pretrained.pt")


NOT_CALLABLE = 3


class _Told(SmallNet):
    """Moved by three covariates too."""

    def __init__(self, channels: int, covariates: int = 3) -> None:
        super().__init__(channels)
        self.covariates = nn.Linear(covariates, 8)

    def forward(self, z: Tensor, r: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        known = z.new_zeros((len(z), self.covariates.in_features)) if y is None else y
        moved = self.embed(r, t) + self.covariates(known)
        output: Tensor = self.last(self.act(self.norm(self.first(z) + moved[:, :, None, None, None])))
        return output


class _DeafToCovariates(SmallNet):
    def forward(self, z: Tensor, r: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        return super().forward(z, r, t)


class _AlwaysTold(_Told):
    def forward(self, z: Tensor, r: Tensor, t: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(z, r, t, y)


class _ToldOfTheBatch(_Told):
    def forward(self, z: Tensor, r: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        return super().forward(z, r, t, None if y is None else y.mean(0, keepdim=True).expand_as(y))


def told(shape: tuple[int, ...]) -> nn.Module:
    """That hears covariates as it should."""
    return _Told(shape[0])


def deaf_to_covariates(shape: tuple[int, ...]) -> nn.Module:
    """That takes covariates and does nothing with them."""
    return _DeafToCovariates(shape[0])


def always_told(shape: tuple[int, ...]) -> nn.Module:
    """That cannot do without covariates."""
    return _AlwaysTold(shape[0])


def told_of_the_batch(shape: tuple[int, ...]) -> nn.Module:
    """That hears the mean of all samples' covariates."""
    return _ToldOfTheBatch(shape[0])


def other_covariates(shape: tuple[int, ...]) -> nn.Module:
    """That expects more covariates than there are."""
    return _Told(shape[0], covariates=7)
