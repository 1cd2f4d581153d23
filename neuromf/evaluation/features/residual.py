"""Residual networks of two published layouts, by MONAI's implementation: RadImageNet's and Med3D's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from monai.networks.nets.resnet import ResNet, ResNetBlock, ResNetBottleneck, get_medicalnet_pretrained_resnet_args
from torch import Tensor, nn

from neuromf.errors import InputError
from neuromf.evaluation.features.network import Preparation

RADIMAGENET = Preparation(size=(224, 224), channels=3, scale="signed")
"""As its authors' own loader prepares images: 224 pixels, three equal channels, [-1, 1]."""
MED3D = Preparation(scale="standard")
"""As Med3D's own loader prepares volumes; any size."""
_PLANES = [64, 128, 256, 512]
_DEPTHS: dict[tuple[int, ...], int] = {
    (1, 1, 1, 1): 10,
    (2, 2, 2, 2): 18,
    (3, 4, 6, 3): 34,
    (3, 4, 23, 3): 101,
    (3, 8, 36, 3): 152,
}
_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
"""Names of a ResNet's parts by their place among its children, as RadImageNet's files have them."""


class Trunk(nn.Module):
    """A residual network up to its last maps (B, F, ...), without pooling and classes."""

    def __init__(self, net: ResNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """Maps of images (B, C, ...)."""
        maps = self.net.maxpool(self.net.act(self.net.bn1(self.net.conv1(images))))
        for layer in (self.net.layer1, self.net.layer2, self.net.layer3, self.net.layer4):
            maps = layer(maps)
        return torch.as_tensor(maps)


def residual_network(tensors: Mapping[str, Tensor]) -> tuple[Trunk, int, Preparation]:
    """A network with these weights, whether it takes slices (2) or volumes (3), and what it expects.

    Args:
        tensors: a state dict of RadImageNet's ResNet-50, named as torchvision or as RadImageNet names its parts, or of
            one of Med3D's ResNets; `module.` before the names is left out.

    Raises:
        InputError: they are of neither layout.
    """
    named = {_plain(name): tensor for name, tensor in tensors.items()}
    first = named.get("conv1.weight")
    if first is None or first.ndim not in (4, 5):
        raise _other(f"has no convolution conv1 among {', '.join(sorted(named)[:4])}")
    dims = first.ndim - 2
    blocks = _blocks(named)
    bottleneck = "layer1.0.conv3.weight" in named
    depth = 50 if bottleneck and blocks == (3, 4, 6, 3) else _DEPTHS.get(blocks)
    if depth is None or (dims == 2 and depth != 50):
        raise _other(f"has {'-'.join(map(str, blocks))} blocks in {dims}-D")
    biased, shortcut = get_medicalnet_pretrained_resnet_args(depth) if dims == 3 else (False, "B")
    net = ResNet(
        ResNetBottleneck if bottleneck else ResNetBlock, list(blocks), _PLANES, spatial_dims=dims,
        n_input_channels=first.shape[1], conv1_t_stride=2, shortcut_type=shortcut, feed_forward=False,
        bias_downsample=biased,
    )  # fmt: skip
    _load(net, named)
    prepared = RADIMAGENET if dims == 2 else MED3D
    return Trunk(net), dims, replace(prepared, channels=int(first.shape[1]))


def _load(net: ResNet, named: Mapping[str, Tensor]) -> None:
    expected = net.state_dict()
    for name, tensor in expected.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in named or named[name].shape != tensor.shape:
            found = f"has shape {tuple(named[name].shape)}" if name in named else "is not there"
            raise _other(f"{name} {found}, where {tuple(tensor.shape)} is expected")
        if not bool(torch.isfinite(named[name].float()).all()):
            raise InputError(f"{name} holds NaN or infinity", remedy="copy the file again", key="--features")
    net.load_state_dict({name: named[name] for name in expected if name in named}, strict=False)


def _plain(name: str) -> str:
    """A part's name without what stands before it, as torchvision has it."""
    name = name.removeprefix("module.").removeprefix("model.")
    place, _, rest = name.removeprefix("backbone.").partition(".")
    return f"{_CHILDREN[place]}.{rest}" if name.startswith("backbone.") and place in _CHILDREN else name


def _blocks(named: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Blocks of each level."""
    found = {tuple(name.split(".")[:2]) for name in named if name.startswith("layer")}
    return tuple(sum(level == f"layer{place}" for level, _ in found) for place in (1, 2, 3, 4))


def _other(problem: str) -> InputError:
    remedy = "give RadImageNet's ResNet-50, a Med3D ResNet, or package.module:callable that builds your network"
    return InputError(problem, remedy=remedy, key="--features")
