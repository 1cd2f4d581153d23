"""A flow-matching baseline: the recipe, and samples along the velocity that it trains."""

import pytest
import torch

from neuromf.config import load_config
from neuromf.config.resolve import flat_config
from neuromf.flow.network import velocity_field
from neuromf.flow.sampling import along_the_flow, sample
from neuromf.flow.settings import ObjectiveSettings
from neuromf.gate.static import static_findings
from neuromf.training.records.previews import draw_latents
from tests.support.law_strategies import gaussian_case
from tests.support.tiny_run import make_tiny_config

CPU, SHAPE = torch.device("cpu"), (4, 2, 3, 2)


def drawn(share, seen):
    """What a network is asked in three steps, of a run with this share of FM samples."""

    def net(z, r_B, t_B):
        seen.append((float(r_B[0]), float(t_B[0])))
        return 0.5 * z

    config = make_tiny_config(f"time_sampling.data_proportion={share}", "meanflow.prediction=u")
    return draw_latents(net, config, SHAPE, steps=3, count=1, seed=0, device=CPU)


def test_a_flow_matching_run_is_sampled_at_the_times_that_it_trained():
    """At r = t in every step; a run with MF samples from each time to the next."""
    flow, meanflow = [], []
    drawn(1.0, flow)
    drawn(0.75, meanflow)
    assert [r == t for r, t in flow] == [True] * 3
    assert [r < t for r, t in meanflow] == [True] * 3
    assert [t for _, t in flow] == [t for _, t in meanflow]


def test_many_steps_along_the_flow_reach_the_data():
    """Of Gaussian data the exact velocity carries noise to the exact sample: the error falls with the steps."""
    case = gaussian_case(3)
    field = velocity_field(case.net, ObjectiveSettings(prediction="u"))
    noise = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = sample(field, noise, 1)
    errors = [
        float((sample(along_the_flow(field), noise, steps) - exact).norm() / exact.norm()) for steps in (25, 100, 400)
    ]
    # Euler's method is of first order: four times the steps, a quarter of the error; measured 3.9 and 4.0.
    assert errors[2] < 0.02
    assert [errors[0] / errors[1], errors[1] / errors[2]] == pytest.approx([4, 4], rel=0.2)


@pytest.mark.law("TIME-007")
def test_the_recipe_is_the_recommended_one_without_mf_samples():
    """One key apart; the gate says that it is no one-step model, and nothing else against it."""
    base, baseline = load_config("recommended"), load_config("flow_matching")
    first, second = flat_config(base), flat_config(baseline)
    assert {key for key in first if first[key] != second[key]} == {"time_sampling.data_proportion"}
    assert [r.law_id for r in static_findings(baseline, {}) if r.status not in ("pass", "info")] == ["TIME-007"]
