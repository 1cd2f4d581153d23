"""Networks that --features names: published layouts, code of the user's own, and what is refused."""

import numpy as np
import pytest
import torch
from monai.networks.nets.resnet import resnet10, resnet50
from safetensors.torch import save_file
from torch import nn

from neuromf.errors import InputError
from neuromf.evaluation.features.demo import demo_network
from neuromf.evaluation.features.load import load_networks
from neuromf.evaluation.features.network import FeatureNetwork, Preparation
from neuromf.evaluation.features.residual import residual_network

PLACES = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
SLICES, VOLUMES = torch.rand(2, 1, 40, 40), torch.rand(2, 1, 16, 16, 16)


def radimagenet():
    torch.manual_seed(0)
    return resnet50(spatial_dims=2, n_input_channels=3, conv1_t_stride=2, feed_forward=False, bias_downsample=False)


def med3d():
    torch.manual_seed(0)
    return resnet10(spatial_dims=3, n_input_channels=1, conv1_t_stride=2, feed_forward=False, bias_downsample=False)


def as_backbone(tensors):
    """Names as RadImageNet's file has them, by place among a ResNet's children."""
    return {f"backbone.{PLACES[name.split('.')[0]]}.{name.split('.', 1)[1]}": value for name, value in tensors.items()}


class Own(nn.Module):
    """A network of the user's own."""

    spatial_dims = 3

    def forward(self, volumes):
        """The first five voxels."""
        return volumes.flatten(1)[:, :5]


def test_radimagenets_resnet_gives_what_its_own_network_gives(tmp_path):
    """Its names by place, in a file of torch.save; slices brought to 224 pixels of three channels in [-1, 1]."""
    net = radimagenet().eval()
    torch.save(as_backbone(net.state_dict()), tmp_path / "ResNet50.pt")
    found = load_networks([str(tmp_path / "ResNet50.pt")])[0]
    assert (found.name, found.dims) == ("ResNet50.pt", 2)
    large = torch.nn.functional.interpolate(SLICES, (224, 224), mode="bilinear", align_corners=False)
    with torch.no_grad():
        expected = net((2 * large - 1).expand(-1, 3, -1, -1))
    torch.testing.assert_close(found(SLICES, 1.0), expected, rtol=1e-4, atol=1e-5)


def test_med3ds_resnet_gives_what_its_own_network_gives(tmp_path):
    """Its names behind `module.`, as safetensors; volumes with mean 0 and deviation 1 over what is not black."""
    net = med3d().eval()
    save_file({f"module.{name}": value for name, value in net.state_dict().items()}, tmp_path / "med3d.safetensors")
    found = load_networks([str(tmp_path / "med3d.safetensors")])[1]
    volumes = VOLUMES.clone()
    volumes[:, :, :4] = 0
    inside = volumes > 0
    standard = torch.stack([(v - v[m].mean()) / v[m].std(correction=0) for v, m in zip(volumes, inside, strict=True)])
    with torch.no_grad():
        expected = net(standard)
    torch.testing.assert_close(found(volumes, 1.0), expected, rtol=1e-4, atol=1e-5)


def test_a_state_dict_within_a_checkpoint_is_found(tmp_path):
    """Beside an epoch, as trainings save it."""
    torch.save({"epoch": 3, "state_dict": med3d().state_dict()}, tmp_path / "checkpoint.pth")
    assert load_networks([str(tmp_path / "checkpoint.pth")])[1].name == "checkpoint.pth"


def test_code_of_the_users_own_is_called(monkeypatch):
    """By import path, as unet.factory is."""
    found = load_networks([f"{__name__}:Own"])
    assert found[1].name.endswith(":Own")
    torch.testing.assert_close(found[1](VOLUMES, 2.0), VOLUMES.flatten(1)[:, :5])
    assert found[0].name == "demo"


def test_without_a_name_both_that_ship_are_taken():
    """As with `demo`."""
    for names in ([], ["demo"]):
        assert [network.name for network in load_networks(names)] == ["demo", "demo"]
        assert [network.dims for network in load_networks(names)] == [2, 3]


def damaged(tmp_path, change):
    tensors = dict(med3d().state_dict())
    change(tensors)
    save_file(tensors, tmp_path / "weights.safetensors")
    return str(tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors: tensors.pop("layer2.0.conv1.weight"), "layer2.0.conv1.weight is not there"),
        (lambda tensors: tensors.update({"bn1.bias": torch.zeros(3)}), r"bn1.bias has shape \(3,\)"),
        (lambda tensors: tensors.update({"bn1.bias": torch.full((64,), torch.nan)}), "NaN or infinity"),
        (lambda tensors: tensors.pop("conv1.weight"), "no convolution conv1"),
        (lambda tensors: tensors.update({"layer1.1.conv1.weight": torch.zeros(1)}), "2-1-1-1 blocks in 3-D"),
    ],
)
def test_other_weights_are_refused_by_name(tmp_path, change, said):
    """A tensor that is missing, misshapen or not finite, and other networks."""
    with pytest.raises(InputError, match=said):
        load_networks([damaged(tmp_path, change)])


@pytest.mark.parametrize("content", [b"", b"text"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    """It is no state dict."""
    path = tmp_path / "features.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match="neither safetensors nor"):
        load_networks([str(path)])


def test_pickled_objects_are_not_rebuilt(tmp_path):
    """A whole module in a file of torch.save could run code."""
    torch.save(Own(), tmp_path / "module.pt")
    with pytest.raises(InputError, match="could run code"):
        load_networks([str(tmp_path / "module.pt")])


def test_no_file_no_folder_and_no_two_of_a_kind(tmp_path):
    """Each told with what to give."""
    with pytest.raises(InputError, match="no such file"):
        load_networks([str(tmp_path / "nothing")])
    with pytest.raises(InputError, match="is a folder"):
        load_networks([str(tmp_path)])
    with pytest.raises(InputError, match="both take volumes"):
        load_networks([f"{__name__}:Own", f"{__name__}:Own"])
    with pytest.raises(InputError, match="returns a tuple"):
        load_networks([f"{__name__}:nothing"])


def nothing():
    return ()


def test_networks_of_one_layout_are_told_apart_by_depth():
    """A ResNet-10 is no ResNet-50."""
    assert residual_network(med3d().state_dict())[0].net.layer1[0].conv1.weight.shape[0] == 64
    assert len(residual_network(radimagenet().state_dict())[0].net.layer3) == 6


def test_the_network_that_ships_is_always_the_same():
    """Its weights are drawn by numpy, whose generator is the same everywhere: the first are kept here."""
    assert demo_network(3).fingerprint == demo_network(3).fingerprint != demo_network(2).fingerprint
    first = demo_network(3).network.levels[0].weight.flatten()[:3]
    np.testing.assert_allclose(first, [0.01682466, 0.00556107, 0.12221338], rtol=1e-6)


@pytest.mark.parametrize(("spacing", "voxels"), [(3.0, 16), (1.5, 8), (6.0, 32)])
def test_the_network_that_ships_sees_every_volume_at_one_spacing(spacing, voxels):
    """A volume of smaller voxels is averaged, one of larger is drawn out."""
    assert demo_network(3).preparation.prepared(VOLUMES, spacing).shape[2:] == (voxels,) * 3


def test_maps_are_averaged_over_their_places():
    """Of a network that gives maps."""
    found = FeatureNetwork("maps", 3, nn.Identity(), Preparation(), "")
    torch.testing.assert_close(found(VOLUMES, 1.0), VOLUMES.flatten(2).mean(2))
