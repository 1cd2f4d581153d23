"""Claims of the review about causes, put to the trainer's own objective at small scale (`claims.toml`).

A replay trains a perceptron on 32 anisotropic Gaussian dims with the failed run's settings or with repairs of them. It
takes a second and shows the lost run's signature. It is evidence for a cause in the lost run, not proof.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from neuromf_spec.claims import claims
from neuromf_spec.reference.failed_run import RECORDED_CHANNELS
from neuromf_spec.reference.schedule import lr_multiplier as reference_multiplier
from neuromf_spec.reference.time_distribution import LogitNormalPair
from torch import nn

from neuromf.config.schema import TrainingConfig
from neuromf.flow.batch import Batch
from neuromf.flow.network import NetOutput
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.settings import ObjectiveSettings, TimeSettings
from neuromf.flow.times import draw_times, fm_mask
from neuromf.nets.embedding import TimeEmbedding
from neuromf.nets.unet import build_unet
from neuromf.training.step.optimiser import build_optimiser, set_learning_rate
from neuromf.training.step.schedule import lr_multiplier
from tests.support.law_strategies import TINY_UNET, draw_batch, in_type

RECOMPUTED = {row.id: row.recomputed for row in claims()}
TOTALS = {epoch: sum(channels) for epoch, channels in RECORDED_CHANNELS.items()}
LATENT = (4, 2, 2, 2)
DIMS, WIDTH, BATCH, STEPS, TAIL = 32, 48, 32, 300, 30


class Perceptron(nn.Module):
    """Two layers with the trainer's time embeddings and, as in the lost run, an output that starts at zero."""

    def __init__(self, time_scale):
        super().__init__()
        self.time = TimeEmbedding(32, WIDTH, time_scale)
        self.interval = TimeEmbedding(32, WIDTH, time_scale)
        self.first, self.second, self.out = nn.Linear(DIMS, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, DIMS)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z, r_B, t_B):
        """Predict at times (B,)."""
        hidden = self.first(z.flatten(1))
        embedding = self.time(t_B) + self.interval(t_B - r_B)
        hidden = hidden + self.second(nn.functional.silu(hidden + embedding))
        return NetOutput(self.out(nn.functional.silu(hidden)).reshape(z.shape), None)


@dataclass(frozen=True)
class Settings:
    """What the review would repair, at the failed run's values, and the time scale, which it does not mention."""

    warmup: int = round(0.741 * STEPS)
    beta2: float = 0.999
    data_proportion: float = 0.25
    norm_eps: float = 0.01
    prediction: str = "x"
    time_scale: float = 1000.0


@dataclass(frozen=True)
class Outcome:
    """Median raw loss per dim over the last steps divided by that over the first, of FM and of MF samples."""

    flow: float
    mean_flow: float


def train(settings, seed=0):
    """Raw FM and MF loss of every step."""
    torch.manual_seed(seed)
    net, generator = Perceptron(settings.time_scale), np.random.default_rng(seed)
    objective = {"prediction": settings.prediction, "norm_eps": settings.norm_eps, "loss_terms": "dual"}
    objective |= {"reduction": "sum", "jvp": "finite_difference", "fd_step": 1e-3}
    configured = ObjectiveSettings(**objective)
    times = TimeSettings(data_proportion=settings.data_proportion, uniform_fraction=0.0, t_min=0.001)
    optimiser = build_optimiser(net, TrainingConfig(beta2=settings.beta2))
    deviation = np.exp(-np.arange(DIMS) / 10).reshape(LATENT)
    deviation /= np.sqrt(np.mean(deviation**2))
    for step in range(STEPS):
        mask = fm_mask(step * BATCH, BATCH, settings.data_proportion)
        pairs = draw_times(generator.standard_normal((BATCH, 2)), generator.random((BATCH, 3)), mask, times)
        x, e = generator.standard_normal((2, BATCH, *LATENT))
        batch = Batch(*(torch.from_numpy(array).float() for array in (x * deviation, e, pairs.r_B, pairs.t_B)))
        result = meanflow_objective(net, batch, configured)
        optimiser.zero_grad()
        result.weighted_B.mean().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        set_learning_rate(optimiser, 2e-3 * lr_multiplier(step, STEPS, settings.warmup, "constant"))
        optimiser.step()
        flow, velocity = (result.terms[name].loss_B.detach() / DIMS for name in ("flow", "velocity"))
        yield float(flow.median()), float(velocity[result.is_mf_B].median())


@cache
def replay(**changes):
    """Outcome of a training with the failed run's settings but for `changes`."""
    curve = np.array(list(train(Settings(**changes))))
    return Outcome(*(np.median(curve[-TAIL:], axis=0) / np.median(curve[:TAIL], axis=0)).tolist())


GROWN, HEALED = 10, 0.7
"""Bounds on the MF loss against its start. Measured with seeds 0 to 2: 41 or more diverging, 0.48 to 0.51 healthy."""
SIGNATURE = 0.8
"""Bound on the FM loss against its start: it falls while the MF loss explodes. Measured 0.45 to 0.74."""


def diverges(**changes):
    outcome = replay(**changes)
    return outcome.mean_flow > GROWN and outcome.flow < SIGNATURE


def test_failed_settings_repeat_the_signature():
    """With the failed run's settings the FM loss falls and the MF loss grows more than 10-fold."""
    assert diverges()


def test_warm_up_does_not_cause_the_divergence():
    """The run left its initial loss at 15 % of the rate, grew on after the warm-up, and a replay without one grows."""
    initial = 2 * 4 * LogitNormalPair(-0.4, 1.0).inverse_square(0.05)
    rate = reference_multiplier(25 * 30 - 1, 15_000, 5_000, "cosine")
    assert 199 * 30 > 5_000
    expected = f"{TOTALS[24] / initial:.1f} times the initial loss at {100 * rate:.0f} % of the rate; "
    expected += f"{TOTALS[224] / TOTALS[199]:.1f}-fold from epoch 199 to 224"
    assert RECOMPUTED["CLAIM-10"].startswith(expected)
    assert diverges(warmup=0)


@pytest.mark.parametrize(
    "change", [{"beta2": 0.95}, {"norm_eps": 1.0}, {"prediction": "u"}], ids=lambda change: next(iter(change))
)
def test_one_repair_of_the_review_leaves_the_divergence(change):
    """With beta2 0.95, norm_eps 1.0 or no 1/t the replay diverges; with the failed values and time scale 1 it heals."""
    assert diverges(**change)
    assert replay(time_scale=1.0).mean_flow < HEALED


def test_repairs_of_the_review_together_leave_the_divergence():
    """No warm-up, beta2 0.95, data_proportion 0.75 and norm_eps 1.0 at once do not stop it, time scale 1 alone does."""
    assert diverges(warmup=0, beta2=0.95, data_proportion=0.75, norm_eps=1.0)
    assert replay(time_scale=1.0).mean_flow < HEALED
    assert f"above {GROWN} times its start" in RECOMPUTED["CLAIM-11"]


def test_time_scale_1_alone_heals_the_failed_settings():
    """With time scale 1 and every other failed setting kept both losses fall together, and at 1000 they part."""
    healed = replay(time_scale=1.0)
    assert healed.mean_flow < HEALED
    assert 0.5 < healed.mean_flow / healed.flow < 2  # measured 0.9 to 1.1
    assert diverges()
    assert f"below {HEALED} of its start" in RECOMPUTED["CLAIM-12"]


def test_data_proportion_neither_causes_nor_heals():
    """The replay diverges with 0.75 and heals with 0.25; 3,072 and 4,096 dims are too alike to explain either."""
    assert diverges(data_proportion=0.75)
    assert replay(time_scale=1.0).mean_flow < HEALED
    (cifar, cifar_dims), (imagenet, imagenet_dims) = (0.25, 32 * 32 * 3), (0.75, 32 * 32 * 4)
    expected = f"differ {imagenet / cifar:.0f}-fold, the dims {imagenet_dims / cifar_dims:.2f}-fold"
    assert expected in RECOMPUTED["CLAIM-38"]


def imbalance(size):
    """Gradient norm of the out block over that of the middle block, with out weights of a standard deviation `size`."""
    net = build_unet(TINY_UNET, v_head=False, seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.blocks()["out"].parameters():
            if not parameter.any():
                parameter.copy_(size * torch.randn(parameter.shape, generator=generator))
    batch = in_type(draw_batch(0, 4, shape=(4, 4, 4, 4)), torch.float32)
    configured = ObjectiveSettings(loss_terms="dual", reduction="sum", norm_eps=0.01)
    meanflow_objective(net, batch, configured).weighted_B.mean().backward()
    out, middle = (
        nn.utils.get_total_norm([p.grad for p in net.blocks()[name].parameters() if p.grad is not None]).item()
        for name in ("out", "middle_block")
    )
    return out / middle if middle else float("inf")


def test_imbalance_of_the_out_block_is_the_inverse_of_its_weights():
    """On MONAI's U-Net the imbalance is 0.83 over the out weights, so that 1.09e6 fits 30 steps of the warm-up."""
    recorded = 1.398 / 1.28e-6
    assert RECOMPUTED["CLAIM-08"].startswith(f"{recorded:.2e} = 1.398 / 1.28e-6")
    assert imbalance(0.0) == float("inf")
    constants = [size * imbalance(size) for size in (1e-7, 1e-5, 1e-3)]
    assert constants == pytest.approx([constants[0]] * 3, rel=0.02)  # second order in the weights
    # Adam moves a weight by about the rate a step at most: 1e-4 times the ramp, summed over 30 steps.
    reached = sum(1e-4 * step / 5_000 for step in range(30))
    text = RECOMPUTED["CLAIM-09"]
    assert text.startswith(
        f"ratio {constants[0]:.2f} / weight; 1.09e6 asks for weights of {constants[0] / recorded:.1e}"
    )
    assert f"warm-up allows {reached:.1e}" in text
    assert 0 < constants[0] / recorded < reached
