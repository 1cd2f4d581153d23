"""Scenarios of a run that validates: when, on what, with which losses, and what follows."""

from __future__ import annotations

from dataclasses import replace

import torch

from neuromf.config import Config
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.training.held_out.cost import arithmetic_share
from neuromf.training.held_out.decisions import best_row, metric_of, stop_reason
from neuromf.training.held_out.draws import choose_slices, scan_batch
from neuromf.training.held_out.losses import scan_losses, total
from neuromf.training.held_out.record import LOSSES, ValidationRow
from neuromf.training.held_out.timetable import epochs_done, is_due, validations
from neuromf.training.held_out.told import told
from neuromf.training.held_out.validator import Validator
from neuromf.training.step.state import initial_state
from tests.support.wiring.parts import CPU, digest, latents
from tests.support.wiring.reads import Observed

VALUES = (0.9, 0.8, 0.79, 0.78, 0.95)
"""Of validations, one after the other."""


def validated(config: Config) -> Observed:
    """The timetable, one validation of weights that are not zero, and what five validations decide."""
    held_out = torch.flip(latents(), [2])
    state = initial_state(config, (1.0,) * 4, CPU)
    state.model.load_state_dict(randomised_copy(state.model, 0).state_dict())
    state.ema.shadow = {name: value.detach().clone() for name, value in state.model.named_parameters()}
    batch, validator = scan_batch(config, latents()[0], 1, CPU), Validator(config, latents(), held_out)
    state.step = 400
    found = validator.after_step(state)
    numbers = {name: [1.0 + place] * len(VALUES) for place, name in enumerate(LOSSES)}
    rows = [
        ValidationRow(
            epoch=step, step=step, scans=3, samples=12, **{name: each[step] for name, each in numbers.items()}
        )
        for step in range(len(VALUES))
    ]
    rows = [
        replace(row, val_total=value, val_fm=1 - value, gap_low=0.5) for row, value in zip(rows, VALUES, strict=True)
    ]
    return {
        "due": [step for step in range(0, 400) if is_due(config, step)][:9],
        "count": validations(config),
        "epochs": [epochs_done(config, step) for step in range(9)],
        "cost": arithmetic_share(config, 3),
        "slices": choose_slices(config, latents(), held_out),
        "noise": digest(batch.e),
        "times": digest(batch.r_B, batch.t_B),
        "losses": digest(scan_losses(state.model, batch, config)),
        "total": float(total(torch.tensor(2.0), torch.tensor(3.0), config)),
        "row": None if found is None else found.row,
        "events": None if found is None else [event.law for event in found.events],
        "best": [best_row(rows[:count], config) for count in range(1, 6)],
        "metric": [metric_of(row, config) for row in rows],
        "stops": [stop_reason(rows[:count], config) for count in range(1, 6)],
        "told": told(rows, config),
    }
