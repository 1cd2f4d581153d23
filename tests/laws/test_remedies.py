"""What a law advises: its words and its overrides agree, and the overrides make it pass."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import laws

from neuromf.config import load_config
from neuromf.config.resolve import flat_config
from neuromf.errors import InputError
from neuromf.gate.static import static_findings

KEYS = frozenset(flat_config(load_config(["recommended"])))
OVERRIDES = st.fixed_dictionaries(
    {
        "training.epochs": st.integers(1, 400),
        "training.micro_batches_per_epoch": st.integers(1, 200),
        "training.batch_size_per_gpu": st.sampled_from([1, 2, 3, 8, 16]),
        "training.gpus": st.integers(1, 4),
        "training.gradient_accumulation_steps": st.integers(1, 16),
        "training.beta2": st.sampled_from([0.9, 0.95, 0.99, 0.999, 0.9999]),
        "training.warmup_steps": st.integers(0, 5_000),
        "training.precision": st.sampled_from(["fp32", "bf16"]),
        "training.reported_loss": st.sampled_from(["objective", "weighted"]),
        "training.divergence_threshold": st.sampled_from(["null", 5.0, 100.0, 1e9]),
        "training.divergence_warn_ratio": st.sampled_from([2.0, 10.0, 1e4]),
        "training.monitors": st.sampled_from(["true", "false"]),
        "training.optimiser": st.sampled_from(["adamw", "adam"]),
        "training.weight_decay": st.sampled_from([0.0, 0.01]),
        "meanflow.derivative_precision": st.sampled_from(["null", "fp32", "bf16"]),
        "meanflow.fd_scheme": st.sampled_from(["forward", "central"]),
        "ema.decay": st.sampled_from([0.5, 0.9, 0.999, 0.99999, 0.99999999]),
        "meanflow.norm_eps": st.sampled_from([1e-6, 0.01, 1.0, 1e6]),
        "meanflow.norm_p": st.sampled_from([0.0, 0.5, 1.0, 1.5]),
        "meanflow.reduction": st.sampled_from(["mean", "sum"]),
        "meanflow.loss_power": st.sampled_from([1.0, 1.5, 2.0, 3.0]),
        "meanflow.mask_share": st.sampled_from([0.0, 0.25, 0.9]),
        "meanflow.t_min": st.sampled_from([0.001, 0.05, 0.3]),
        "time_sampling.t_min": st.sampled_from([0.001, 0.05, 0.3]),
        "time_sampling.mu": st.sampled_from([-2.0, -0.4, 1.0]),
        "time_sampling.sigma": st.sampled_from([0.5, 1.0, 2.0]),
        "time_sampling.data_proportion": st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.95, 1.0]),
        "time_sampling.uniform_fraction": st.sampled_from([0.0, 0.01, 0.2]),
        "unet.time_scale": st.sampled_from([1.0, 10.0, 1000.0]),
        "data.demo_subjects": st.integers(3, 60),
    }
)
DIFFERENCES = st.sampled_from([(), ("meanflow.jvp=finite_difference", "meanflow.fd_step=0.001")])


def judged(overrides):
    return {result.law_id: result for result in static_findings(load_config(["recommended"], overrides), {})}


def numbers(text):
    """Numbers that stand by themselves, not in a name such as float32 or beta2."""
    return {float(found) for found in re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])", text)}


@given(drawn=OVERRIDES, difference=DIFFERENCES)
def test_what_a_law_advises_makes_it_pass(drawn, difference):
    """Typed as it is printed, it loads, and the law that advised it holds."""
    overrides = [*(f"{key}={value}" for key, value in drawn.items()), *difference]
    try:
        found = judged(overrides)
    except InputError:  # no configuration, so that no law was asked
        return
    for law_id, result in found.items():
        if result.status in ("warn", "block", "policy") and result.passing_value:
            again = judged([*overrides, *result.passing_value.split()])[law_id]
            assert again.status in ("pass", "info"), (law_id, result.passing_value, again.found, again.bound)


@given(drawn=OVERRIDES, difference=DIFFERENCES)
def test_words_and_overrides_of_a_law_give_the_same_numbers_and_keys(drawn, difference):
    """A number in a remedy is one of its overrides', and so is a key that it tells one to set."""
    try:
        found = judged([*(f"{key}={value}" for key, value in drawn.items()), *difference])
    except InputError:
        return
    for law_id, result in found.items():
        if not result.passing_value:
            continue
        advised = dict(part.split("=", 1) for part in result.passing_value.split())
        said = numbers(result.remedy)
        assert said <= {number for value in advised.values() for number in numbers(value)}, (law_id, result.remedy)
        named = {key for key in KEYS if key in result.remedy}
        assert not named or named & advised.keys(), (law_id, result.remedy, result.passing_value)


@pytest.mark.parametrize("law_id", laws())
def test_a_counterexample_is_not_advised_in_two_voices(law_id):
    """Of laws that no configuration reaches too: a number in the remedy is one of the overrides', where there are."""
    entry = laws()[law_id]
    advised = entry.predicate(**entry.counterexample).passing_value
    if advised:
        assert numbers(entry.remedy) <= numbers(advised.replace("=", " "))
