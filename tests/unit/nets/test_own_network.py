"""A network that the user's own code builds: used as it is, or told of in one sentence."""

import sys

import pytest
import torch

from neuromf.config import load_config
from neuromf.errors import InputError
from neuromf.monitor.checks.network_points import points
from neuromf.monitor.checks.network_probe import STEPS, network_readings, refuse_unfit
from neuromf.monitor.checks.probes import randomised_copy, raw_field
from neuromf.nets.factory import blocks_of, build_net, network_code
from neuromf.own_code import load_callable, own_code
from tests.support.own_package.written import users_code
from tests.support.tiny_run import SCALE

__all__ = ["users_code"]

CPU = torch.device("cpu")
NETS = "tests.support.own_package.nets"
BASE = [override for override in SCALE if not override.startswith("unet")]


def config_of(name, *overrides):
    """A configuration whose network that callable builds."""
    return load_config("recommended", [*BASE, f"unet.factory={NETS}:{name}", *overrides])


@pytest.mark.parametrize("name", ["build", "zero_start", "single", "frozen_part"])
def test_a_network_as_it_should_be_keeps_every_law(name):
    """Zero at first or not, in float32 inside, or with frozen layers and buffers."""
    found = {reading.law_id: reading.finding.passed for reading in network_readings(config_of(name), CPU)}
    assert found == dict.fromkeys(("CKPT-001", "NUM-002", "LOSS-001", "EMA-003", "NET-001", "JVP-001"), True)
    refuse_unfit(config_of(name), CPU)


def judged(name, law, words):
    """A network that breaks the law, which a failure of its case names."""
    return pytest.param(name, law, words, marks=pytest.mark.law(law))


@pytest.mark.parametrize(
    ("name", "law", "words"),
    [
        judged("other_each_time", "CKPT-001", "initial first.weight"),
        judged("dropout", "NUM-002", "the network's output"),
        judged("batch_norm", "LOSS-001", "relative"),
        judged("counting", "EMA-003", "digest"),
        judged("deaf_to_r", "NET-001", "deaf to r"),
        judged("detached", "JVP-001", "relative"),
    ],
)
def test_a_network_that_breaks_a_law_is_told_by_it(name, law, words):
    """The first broken law is the last that is judged, and a training is refused with its name."""
    reading = network_readings(config_of(name), CPU)[-1]
    assert (reading.law_id, reading.finding.passed) == (law, False)
    assert words in f"{reading.finding.value} {reading.finding.unit}"
    with pytest.raises(InputError, match=f"{name} builds breaks {law}") as caught:
        refuse_unfit(config_of(name), CPU)
    assert caught.value.key == "unet.factory"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_module", "returns a function, which is no torch.nn.Module"),
        ("raises", "raises FileNotFoundError: pretrained.pt"),
        ("NOT_CALLABLE", "has no callable NOT_CALLABLE"),
        ("half_size", r"makes \(2, 4, 4, 4, 4\) of latents \(2, 4, 8, 8, 8\)"),
        ("idle_layer", "2 trainable parameters that its output does not depend on, first idle.weight"),
        ("in_half", "holds first.weight as float16"),
        ("tied", "holds again and first.weight in one place"),
        ("two_heads", "gives a v_head, which meanflow.tangent leaves idle"),
        ("no_forward_mode", "has no forward derivative"),
    ],
)
def test_what_the_trainer_cannot_use_is_an_input_error(name, words):
    """One sentence with the key, whatever the user's code does."""
    with pytest.raises(InputError, match=words) as caught:
        refuse_unfit(config_of(name), CPU)
    assert caught.value.key == "unet.factory"


def test_a_second_head_is_asked_for_by_its_tangent():
    """With tangent v_head a network without one is refused, and one with two is taken."""
    refuse_unfit(config_of("two_heads", "meanflow.tangent=v_head"), CPU)
    with pytest.raises(InputError, match=r"no v_head, which meanflow.tangent: v_head needs"):
        refuse_unfit(config_of("build", "meanflow.tangent=v_head"), CPU)


@pytest.mark.parametrize("module", ["no_such_package.nets:build", f"{NETS}_of_nobody:build"])
def test_a_path_that_leads_nowhere_is_told(module):
    """With the folder that was looked in."""
    with pytest.raises(InputError, match=r"cannot be imported .ModuleNotFoundError.*run in the folder that holds it"):
        build_net(load_config("recommended", [*BASE, f"unet.factory={module}"]))


def test_the_users_folder_is_the_last_that_is_looked_in(users_code, tmp_path):
    """A file named as a library stands in for none."""
    name = users_code("def build(shape):\n    return shape\n")
    before = list(sys.path)
    load_callable(f"{name}:build", "unet.factory")
    assert sys.path == [*before, str(tmp_path / "users")]


def test_options_and_shape_reach_the_callable():
    """The latent's shape first, the options by name; one that it does not know is told."""
    net = build_net(config_of("build", "unet.factory_options.width=6", "vae.latent_channels=3"))
    assert (net.first.in_channels, net.first.out_channels) == (3, 6)
    with pytest.raises(InputError, match=r"unexpected keyword argument 'depth'"):
        build_net(config_of("build", "unet.factory_options.depth=6"))


@pytest.mark.law("CFG-001")
def test_weights_are_a_function_of_the_seed_alone():
    """The global generator stays where it was."""
    before = torch.get_rng_state()
    nets = [build_net(config_of("build", f"training.seed={seed}")) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), before)
    first, again, other = (net.first.weight for net in nets)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_blocks_of_an_own_network_are_its_children():
    """Their gradients are watched one by one."""
    net = build_net(config_of("build"))
    assert list(blocks_of(net)) == ["first", "times", "norm", "last", "act"]


def test_a_derivative_that_is_lost_in_part_is_further_off_than_rounding():
    """JVP-001's bound for a network in float32 lies between what rounding leaves and what a lost tangent does."""
    error = {name: network_readings(config_of(name), CPU)[-1].finding.value for name in ("single", "detached")}
    assert error["single"] < 0.02 / 10 < 0.02 < error["detached"] / 5
    assert STEPS[0] / STEPS[-1] >= 1e5  # a fast network in float64 needs a shorter step than a slow one in float32


def test_the_code_is_known_by_what_its_source_says(users_code):
    """A comment changes nothing and an operator does; a configuration without own code has none."""
    texts = ("def build():\n    return 1\n", "def build():\n    return 1  # said\n", "def build():\n    return 2\n")
    hashes = [own_code(f"{users_code(text)}:build", "unet.factory").sha256 for text in texts]
    assert hashes[0] == hashes[1] != hashes[2]
    code = network_code(config_of("build"))
    assert code.name == f"{NETS}:build"
    assert code.file.endswith("own_package/nets.py")
    assert network_code(load_config("recommended")) is None


def test_a_probe_of_fixed_points_is_the_same_every_time():
    """Two samples of unit variance with r < t, and a field that is the network's own output."""
    one, again = points((4, 8, 8, 8), CPU), points((4, 8, 8, 8), CPU)
    assert torch.equal(one.z, again.z)
    assert bool((one.r_B < one.t_B).all())
    net = randomised_copy(build_net(config_of("build")), 0)
    assert torch.equal(raw_field(net)(one.z, one.r_B, one.t_B), net(one.z, one.r_B, one.t_B))
