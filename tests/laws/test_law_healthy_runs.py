"""Healthy runs draw no event: every shipped recipe, and every two choices of what an objective may be."""

import pytest
import torch

from neuromf.config import load_config
from neuromf.config.recipe_files import recipe_names
from neuromf.monitor.checks.launch_checks import data_reading, first_loss_reading, launch_readings
from neuromf.monitor.engine import Monitor
from neuromf.monitor.moments import latent_moments
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.edges.edge import broken
from tests.support.told_laws import assert_told

SMALL = (
    "data.shape=[16,16,16]",
    "unet.channels=[8]",
    "unet.attention_levels=[false]",
    "unet.head_channels=8",
    "unet.num_res_blocks=1",
    "unet.norm_num_groups=4",
    "training.batch_size_per_gpu=4",
    "training.gpus=1",
    "training.gradient_accumulation_steps=1",
    "training.learning_rate=0.001",
)
CPU, STEPS = torch.device("cpu"), 2
EXACT, DIFFERENCE = "meanflow.jvp=exact", "meanflow.jvp=finite_difference meanflow.fd_step=0.001"
LOST = {"failed_225": {"GUARD-001", "JVP-003", "JVP-005", "WGT-002"}}
"""Laws that the lost run breaks at its launch and in its first steps."""
PAIRS = (
    ("single", "u", "conditional", EXACT),
    ("single", "x", "model", DIFFERENCE),
    ("dual", "x", "conditional", DIFFERENCE),
    ("dual", "u", "model", EXACT),
    ("single", "u", "v_head", DIFFERENCE),
    ("dual", "x", "v_head", EXACT),
)
"""Of what an objective may be, every two choices together; all four together are tried in tests/golden."""


def standard_latents():
    """Six latents of 4 x 4^3, normalised as a training's are."""
    drawn = torch.randn((6, 4, 4, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean, std = drawn.mean((0, 2, 3, 4), keepdim=True), drawn.std((0, 2, 3, 4), keepdim=True, correction=0)
    return ((drawn - mean) / std).float()


def laws_broken(config):
    """Every law that a launch and the first steps of a run break, live."""
    latents = standard_latents()
    state, source = initial_state(config, (1.0,) * 4, CPU), BatchSource(latents, config, CPU)
    batches = [source.draw(0, start, size) for start, size in source.micro_batches()]
    told = broken([data_reading(latents), *launch_readings(config, state.model, batches[0])])
    monitor = Monitor(config, latent_moments(latents))
    for _ in range(STEPS):
        record = train_step(state, source, config)
        if record.row["step"] == 0:
            told |= broken([first_loss_reading(config, record.row, batches)])
        told |= {event.law for event in monitor.judge(record.row, record.verdict, record.checks)}
    return told


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_breaks_no_law_live_but_the_lost_run_does(name, request):
    """Made small, each recipe is launched and trained without a word, and the lost one breaks what lost it."""
    assert_told(request, laws_broken(load_config([name], list(SMALL))), LOST.get(name, set()))


def objective(choice):
    """A small run with these terms, prediction, tangent and derivative."""
    terms, prediction, tangent, derivative = choice
    keys = (f"meanflow.loss_terms={terms}", f"meanflow.prediction={prediction}", f"meanflow.tangent={tangent}")
    return load_config(["smoke"], [*SMALL, *keys, *derivative.split()])


@pytest.mark.parametrize("choice", PAIRS, ids="-".join)
def test_no_pair_of_what_an_objective_may_be_is_told_of(choice, request):
    """What an objective may be is no fault, whichever laws of the configuration advise against it."""
    assert_told(request, laws_broken(objective(choice)), set())
