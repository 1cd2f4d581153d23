"""Scenarios of a network that is told of covariates: its inputs, its batches, what it is regressed on."""

from __future__ import annotations

from unittest import mock

import numpy as np

from neuromf.config import Config
from neuromf.config.flow_settings import objective_settings
from neuromf.data.covariates import drawn_covariates, given_covariates
from neuromf.data.index.covariate_rows import covariate_lines, covariate_rows
from neuromf.flow.objective import meanflow_objective
from neuromf.monitor.checks.launch_checks import first_loss_reading
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.monitor.guard import zero_predictor
from neuromf.nets.factory import build_net
from neuromf.training.batches.source import BatchSource
from tests.support.fake_run import row_of
from tests.support.tiny_run import make_tiny_config
from tests.support.wiring.parts import CPU, SMALL, digest, latents
from tests.support.wiring.reads import Observed

TOLD = make_tiny_config(
    *SMALL, 'covariates.columns=["noise_sd=0.01..0.025"]', "covariates.dropout=0.5", "meanflow.guidance_scale=2.0",
    "meanflow.guidance_mixing=0.3", "meanflow.guidance_interval=[0.3,0.9]", "data.demo_subjects=5",
)  # fmt: skip


def told(config: Config) -> Observed:
    """One micro-batch with its covariates, what it is regressed on, and a sample that is asked for by name."""
    drawn = drawn_covariates(config.covariates, len(latents()), np.random.default_rng(0))
    source = BatchSource(latents(), config, CPU, drawn)
    batch = source.draw(2, 0, 4)
    net = randomised_copy(build_net(config), 0)
    asked = given_covariates(config.covariates, {"noise_sd": "0.02"}, 1)
    regressed = meanflow_objective(net, batch, objective_settings(config.meanflow)).v_c
    with mock.patch.object(zero_predictor, "POINTS", 2**8):
        anchor = vars(zero_predictor.anchor.__wrapped__(config))
    return {
        "anchor": anchor,
        "at first": first_loss_reading(config, row_of(0, raw_total=5.0), [batch]).finding.value,
        "inputs": net.inputs,
        "told": None if batch.y_BK is None else digest(batch.y_BK),
        "asked": None if asked is None else digest(asked),
        "regressed": digest(regressed),
    }


def known(config: Config) -> Observed:
    """What is known of the heads of the built-in cohort."""
    rows = covariate_rows(config, [])
    missing = {name: dict.fromkeys(row, "") for name, row in rows.items()}
    return {"rows": rows, "lines": covariate_lines(config, missing)}
