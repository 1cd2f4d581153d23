"""In which number type the times are embedded: by values against float64, for a label may lie (law PREC-001)."""

import pytest
import torch

from neuromf.config.schema import UnetConfig
from neuromf.nets.embedding import TimeEmbedding, sinusoidal
from neuromf.nets.unet import build_unet
from tests.support.law_strategies import relative_error

pytestmark = pytest.mark.law("PREC-001")
TIMES = torch.linspace(0.05, 0.999, 64, dtype=torch.float64)
FLOAT32 = 1e-4
"""Of the sinusoids of 1000 t: the angle's rounding, 1000 x 6e-8; measured 3e-5 at most behind the perceptron."""


def embedding(precision, scale, dtype=torch.float32):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TimeEmbedding(16, 32, scale, precision).to(dtype)


def error(precision, scale, *, narrow=True):
    with torch.no_grad():
        expected = embedding(None, scale, torch.float64)(TIMES)
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow, cache_enabled=False):
            return relative_error(embedding(precision, scale)(TIMES.float()), expected)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_embedding_is_as_right_as_the_type_that_is_asked_for(scale):
    """Under bf16 float32 keeps its digits; the default's perceptron is bf16; the network's type loses the angle."""
    wide, usual, network = (error(asked, scale) for asked in ("fp32", None, "network"))
    assert wide <= FLOAT32
    assert 1e-3 <= usual <= 3e-2  # roundings to bf16, 4e-3 each, at any scale: the sinusoids are in float32
    # At scale 1 a rounded time is one more such rounding; at 1000 the angle is off by up to two radians.
    assert 1e-3 <= network <= 3e-2 if scale == 1.0 else network >= 0.1


@pytest.mark.parametrize("precision", ["fp32", "network", None])
def test_outside_autocast_the_embedding_is_float32_whatever_is_set(precision):
    """A training in float32 and an exact derivative embed in float32: no choice of the three changes a value."""
    assert error(precision, 1000.0, narrow=False) == error(None, 1000.0, narrow=False) <= FLOAT32


def test_the_default_leaves_the_sinusoids_in_float32():
    """What is known of the default: its perceptron is given the very sinusoids of float32."""
    seen = []
    made = embedding(None, 1000.0)
    made.layers[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        made(TIMES.float())
    assert torch.equal(seen[0], sinusoidal(TIMES.float(), 16, 1000.0))


@pytest.mark.parametrize("told", ["t_and_gap", "t_and_r", "gap"])
def test_every_embedding_of_the_net_has_the_precision_that_is_set(told):
    """The configuration reaches each embedding that the net has."""
    settings = UnetConfig(
        channels=(8,), attention_levels=(False,), head_channels=8, num_res_blocks=1, norm_num_groups=4,
        conditioning=told, embedding_precision="fp32",
    )  # fmt: skip
    net = build_unet(settings, v_head=False, seed=0)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        kinds = {net.get_submodule(name)(TIMES.float()).dtype for name in net.told}
    assert kinds == {torch.float32}
