"""A tiny run whose network is told of one number and one class of each built-in head."""

from __future__ import annotations

from neuromf.config import Config
from tests.support.tiny_run import make_tiny_config

TOLD = (
    'covariates.columns=["ventricle_expansion=-0.15..0.55", "noise_sd=0.01..0.025"]',
    "covariates.dropout=0.25",
    "meanflow.guidance_scale=2.0",
    "meanflow.guidance_mixing=0.3",
    "training.validate_every_epochs=1",
    "training.learning_rate=0.01",
)


def make_covariate_config(*overrides: str) -> Config:
    """Guided, with a validation after each of its two epochs, and a rate at which six steps are felt."""
    return make_tiny_config(*TOLD, *overrides)
