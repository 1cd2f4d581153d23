"""Edges of what a validation finds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import torch

from neuromf.training.held_out.validator import Validator
from tests.support.edges.edge import Edge
from tests.support.tiny_run import make_tiny_config
from tests.support.validations import validation_rows


def validation_edges() -> Iterator[Edge]:
    """A sure gap of so much, and a large gap whose interval begins there."""
    yield Edge("VAL-005", "a sure gap", lambda gap: warned(gap, 0.01), (-0.5, 0.09, 0.1), (0.11, 5.0, math.inf))
    yield Edge(
        "VAL-005", "the interval of a large gap", lambda low: warned(0.5, low), (-0.1, 0.0, math.nan), (1e-6, 0.4)
    )


def warned(gap: float, low: float) -> set[str]:
    """Laws of which a run warns after a validation with this gap and lower end of its interval."""
    latents = torch.zeros(4, 4, 2, 2, 2)
    validator = Validator(make_tiny_config("training.validate_every_epochs=1"), latents, latents)
    row = replace(validation_rows([1.0])[0], gap=gap, gap_low=low)
    return {event.law for event in validator._memorised(SimpleNamespace(step=3), row)}
