"""A network of the user's own that is told of covariates: taken as it is, or refused in one sentence."""

import pytest
import torch

from neuromf.config import load_config
from neuromf.errors import InputError
from neuromf.monitor.checks.network_probe import network_readings, refuse_unfit
from tests.support.tiny_run import SCALE

CPU = torch.device("cpu")
NETS = "tests.support.own_package.nets"
BASE = [override for override in SCALE if not override.startswith("unet")]
TOLD = 'covariates.columns=["site=a|b|c"]'


def config_of(name):
    return load_config("recommended", [*BASE, f"unet.factory={NETS}:{name}", TOLD])


def test_a_network_that_hears_covariates_keeps_every_law():
    """With covariates the laws are tried at samples that have some."""
    found = {reading.law_id: reading.finding.passed for reading in network_readings(config_of("told"), CPU)}
    laws = ("CKPT-001", "NUM-002", "LOSS-001", "EMA-003", "NET-001", "NET-002", "JVP-001")
    assert found == dict.fromkeys(laws, True)
    refuse_unfit(config_of("told"), CPU)


@pytest.mark.law("NET-002")
def test_a_network_that_is_deaf_to_covariates_is_refused():
    """It would train as if there were none."""
    reading = network_readings(config_of("deaf_to_covariates"), CPU)[-1]
    assert (reading.law_id, reading.finding.passed, reading.finding.value) == ("NET-002", False, 0.0)
    with pytest.raises(InputError, match="breaks NET-002"):
        refuse_unfit(config_of("deaf_to_covariates"), CPU)


@pytest.mark.law("LOSS-001")
def test_a_network_that_hears_other_samples_covariates_is_refused():
    """A sample's output depends on that sample alone."""
    assert network_readings(config_of("told_of_the_batch"), CPU)[-1].law_id == "LOSS-001"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("build", r"takes from 3 to 4|takes 4 positional arguments but 5 were given.*let forward\(z, r, t, y=None\)"),
        ("always_told", r"missing 1 required positional argument: 'y'"),
        ("other_covariates", r"at z \(2, 4, 8, 8, 8\), r \(2,\), t \(2,\), y \(2, 3\); let forward"),
    ],
)
def test_a_network_that_cannot_be_told_is_an_input_error(name, words):
    """One sentence with the key, and how forward must be."""
    with pytest.raises(InputError, match=words) as caught:
        refuse_unfit(config_of(name), CPU)
    assert caught.value.key == "unet.factory"
