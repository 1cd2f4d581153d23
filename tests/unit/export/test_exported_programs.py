"""Programs of torch.export: the numbers of the run's own network, for any batch, and no pickle."""

import dataclasses
import zipfile

import pytest
import torch

from neuromf.errors import InputError
from neuromf.export.export import export_run
from neuromf.export.torch_program import velocity_program
from neuromf.flow.sampling import sample
from tests.support.own_package.nets import SmallNet

BATCHES = (1, 2, 5)


@pytest.fixture(scope="module")
def programs(exported_run, tmp_path_factory):
    """The folder."""
    return export_run(exported_run, to="torch-export", out=tmp_path_factory.mktemp("programs") / "heads").path


@pytest.fixture(scope="module")
def loaded(programs):
    """Each program by its name, read back."""
    return {path.stem: torch.export.load(path).module() for path in programs.glob("*.pt2")}


def noise_of(subject, size):
    return torch.randn((size, *subject.store.latent_shape), generator=torch.Generator().manual_seed(size))


@pytest.mark.law("PRED-001")
@pytest.mark.parametrize("size", BATCHES)
@torch.no_grad()
def test_the_program_is_the_velocity_that_samples_follow(loaded, subject, size):
    """The average velocity, not what the network gives, at any two times."""
    z, t_B = noise_of(subject, size), torch.linspace(0.1, 1, size)
    r_B = t_B / 3
    expected = subject.velocity(z, r_B, t_B)
    assert subject.config.meanflow.prediction == "x"
    torch.testing.assert_close(loaded["velocity"](z, t_B, r_B), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.law("DATA-001")
@pytest.mark.parametrize("size", BATCHES)
def test_the_one_step_program_is_the_sampler(loaded, subject, size):
    """A normalised latent, and the latent in the units that the autoencoder decodes."""
    expected = sample(subject.velocity, noise_of(subject, size))
    normalised, latent = loaded["one_step"](noise_of(subject, size))
    torch.testing.assert_close(normalised, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(latent, subject.store.statistics.denormalise(expected), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_a_flow_matching_is_followed_at_r_equal_t(as_flow_matching):
    """The program takes r and heeds it not, for no other r was trained."""
    program = velocity_program(as_flow_matching).module()
    z, t_B = noise_of(as_flow_matching, 2), torch.tensor([0.5, 0.9])
    torch.testing.assert_close(program(z, t_B, t_B / 2), program(z, t_B, t_B))
    torch.testing.assert_close(program(z, t_B, t_B / 2), as_flow_matching.velocity(z, t_B, t_B), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["velocity.pt2", "one_step.pt2"])
def test_a_program_holds_no_pickle_and_no_path(programs, name):
    """Each part of the archive is JSON, a word, or the bare bytes of a tensor that its own list names."""
    with zipfile.ZipFile(programs / name) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    others = {part: data for part, data in parts.items() if "/weights/weight_" not in part}
    assert any(part.endswith("models/model.json") for part in others)
    assert all(data[:2] not in (b"\x80\x02", b"PK") for data in others.values())
    weights = next(data for part, data in parts.items() if part.endswith("model_weights_config.json"))
    assert b'"use_pickle": true' not in weights
    assert not [part for part, data in others.items() if b"site-packages" in data or b".py" in data]


@torch.no_grad()
def test_a_network_of_ones_own_becomes_a_program(subject):
    """Whose code is then no longer needed."""
    own = dataclasses.replace(subject, net=SmallNet(4).eval())
    z, t_B = noise_of(own, 3), torch.linspace(0.2, 1, 3)
    found = velocity_program(own).module()(z, t_B, t_B / 2)
    torch.testing.assert_close(found, own.velocity(z, t_B / 2, t_B), rtol=1e-5, atol=1e-5)


class _Deciding(SmallNet):
    def forward(self, z, r, t):
        """Another output where the first number is positive."""
        return super().forward(z, r, t) if z.flatten()[0] > 0 else -super().forward(z, r, t)


def test_a_network_that_torch_cannot_follow_is_refused(subject):
    """In a sentence that says what else there is."""
    with pytest.raises(InputError, match=r"torch\.export cannot follow the network .*use --to safetensors"):
        velocity_program(dataclasses.replace(subject, net=_Deciding(4).eval()))
