"""The error model of law JVP-003 against errors measured on the trainer's U-Net."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from neuromf_spec.law import Severity
from neuromf_spec.laws.finite_difference import (
    MEAN_SQUARED_GAP,
    SPATIAL_DERIVATIVE,
    TEMPORAL_DERIVATIVE,
    TRAINED_LOSS,
    predicted_error,
    rounding_error,
    target_noise,
)
from neuromf_spec.registry import law
from scipy import special

from neuromf.config.schema import UnetConfig
from neuromf.flow.jvp import exact_derivative, finite_difference
from neuromf.flow.path import interpolate
from tests.support.law_strategies import draw_batch, randomised_unet, relative_error
from tests.support.processor import AS_MEASURED

pytestmark = pytest.mark.law("JVP-003")
LATENT = (4, 8, 8, 8)
TABLE = Path(__file__).parents[2] / "spec" / "finite_difference.csv"
HEADER = "time_scale,step,precision,predicted_percent,measured_percent,verdict"
MODEL_FACTOR = 2.0  # measured over predicted is 0.75 to 1.56 on the cases below, on two processors

CASES = [
    # scale, step, precision, verdict
    (1.0, 1e-2, "fp32", "told"),
    (1.0, 1e-3, "fp32", "allowed"),
    (1.0, 1e-4, "fp32", "allowed"),
    (10.0, 1e-3, "fp32", "allowed"),
    (100.0, 1e-3, "fp32", "told"),
    (100.0, 1e-4, "fp32", "allowed"),
    (1000.0, 1e-3, "fp32", "blocked"),
    (1000.0, 1e-4, "fp32", "told"),
    (1.0, 1e-2, "bf16", "told"),
    (1.0, 1e-3, "bf16", "warned"),
    (1000.0, 1e-3, "bf16", "blocked"),
]


@cache
def exact(scale):
    """Network, point and exact derivative at one time scale; float64 throughout the derivative."""
    config = UnetConfig(
        channels=(32, 64),
        attention_levels=(False, True),
        head_channels=32,
        num_res_blocks=1,
        norm_num_groups=32,
        time_scale=scale,
    )
    net, batch = randomised_unet(0, config), draw_batch(0, 2, fm="no", t_min=0.35, shape=LATENT)
    z = interpolate(batch.x, batch.e, batch.t_B)
    double = randomised_unet(0, config).double()
    derivative = exact_derivative(lambda *args: double(*args).prediction, z, batch.r_B, batch.t_B, batch.e - batch.x)
    return net, batch, z, derivative.dudt


def measured_error(scale, step, precision):
    net, batch, z, expected = exact(scale)

    def field(*args):
        return net(*args).prediction.float()

    arguments = [tensor.float() for tensor in (z, batch.r_B, batch.t_B, batch.e - batch.x)]
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        difference = finite_difference(field, *arguments, step)
    return 100 * relative_error(difference.dudt, expected)


def verdict(scale, step, precision):
    """What the law says of a forward difference, in a word."""
    finding = law("JVP-003").predicate(method="finite_difference", step=step, time_scale=scale, precision=precision)
    words = {None: "allowed", Severity.INFO: "told"}
    if not finding.passed:
        words = {None: "blocked", Severity.BLOCK: "blocked", Severity.WARN: "warned"}
    return words[finding.severity]


def row(scale, step, precision):
    """One line of the stored table: predicted and measured error in per cent, and the verdict."""
    predicted = 100 * predicted_error(scale, step, precision)
    return f"{scale:g},{step:g},{precision},{predicted:.3g},{measured_error(scale, step, precision):.3g}," + verdict(
        scale, step, precision
    )


@pytest.fixture(scope="module")
def table(request):
    """The stored table, written anew by a measuring session."""
    if request.config.getoption("--measure"):
        TABLE.write_text("\n".join([HEADER, *(row(*case[:3]) for case in CASES)]) + "\n")
    return TABLE.read_text().splitlines()


def test_the_stored_table_is_what_is_measured(table):
    """The table that JVP-003 cites holds every case, and its errors are measured again here."""
    assert table[0] == HEADER
    for line, case in zip(table[1:], CASES, strict=True):
        stored, now = line.split(","), row(*case[:3]).split(",")
        assert (stored[:4], stored[5]) == (now[:4], now[5])
        # Rounding noise in bf16 differs from processor to processor; truncation does not. That of float32 was 1.8 times
        # as large on one without AVX512.
        noisy = rounding_error(*case[:3]) > predicted_error(*case[:3]) / 2
        most = MODEL_FACTOR if noisy and not AS_MEASURED else 1.5
        assert 0.5 <= float(now[4]) / float(stored[4]) <= most, (stored, now)


@pytest.mark.parametrize(("scale", "step", "precision", "said"), CASES)
def test_predicted_error_is_the_measured_one(scale, step, precision, said):
    """The predicted error of a forward difference is within a factor 2 of the measured one, the verdict the law's."""
    error = measured_error(scale, step, precision)
    predicted = 100 * predicted_error(scale, step, precision)
    assert 1 / MODEL_FACTOR <= error / predicted <= MODEL_FACTOR, (error, predicted)
    assert verdict(scale, step, precision) == said


def test_exact_derivative_is_always_allowed():
    """The exact method passes at any scale and precision, for it has no step."""
    arguments = {"method": "exact", "step": None, "time_scale": 1000.0, "precision": "bf16"}
    assert law("JVP-003").predicate(**arguments).passed


def test_a_step_in_bf16_is_bias_above_and_noise_below():
    """At time scale 1 in bf16 a step of 0.3 is blocked by bias, 0.01 is told, 0.001 is warned of, 1e-4 is blocked."""
    said = [verdict(1.0, step, "bf16") for step in (0.3, 0.01, 1e-3, 1e-4)]
    assert said == ["blocked", "told", "warned", "blocked"]


def test_a_central_difference_has_less_bias_and_half_the_noise():
    """At time scale 100 and step 0.005 a central difference is allowed where a forward one is blocked."""
    arguments = {"method": "finite_difference", "step": 0.005, "time_scale": 100.0, "precision": "fp32"}
    forward, central = (law("JVP-003").predicate(**arguments, scheme=scheme) for scheme in ("forward", "central"))
    assert (forward.passed, central.passed) == (False, True)
    noisy = [
        target_noise(1.0, 0.01, "bf16", scheme, MEAN_SQUARED_GAP, TRAINED_LOSS) for scheme in ("forward", "central")
    ]
    assert noisy[0] == pytest.approx(4 * noisy[1], rel=1e-12)


def test_rounding_adds_the_variance_that_is_predicted():
    """Noise of the predicted size on du/dt adds to the target the predicted share of its own variance."""
    step, scale = 0.01, 1.0
    size = rounding_error(scale, step, "bf16") * math.hypot(SPATIAL_DERIVATIVE, TEMPORAL_DERIVATIVE * scale)
    generator = np.random.default_rng(0)
    gap = np.abs(np.subtract(*special.expit(generator.normal(-0.4, 1.0, (2, 200_000)))))
    # Unit-variance latents: a model can know the power 2 - L of the velocity, and L is left.
    noise = gap * size * math.sqrt(2 - TRAINED_LOSS) * generator.standard_normal(gap.size)
    predicted = target_noise(scale, step, "bf16", "forward", MEAN_SQUARED_GAP, TRAINED_LOSS)
    assert noise.var() / TRAINED_LOSS == pytest.approx(predicted, rel=0.05)
