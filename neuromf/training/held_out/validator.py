"""One validation: every rank judges its share of the scans, and all hold the same numbers after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from neuromf_spec.laws.silent_faults import evaluation_leaves_state
from torch import Tensor

from neuromf.config.schema import Config
from neuromf.data.covariates import Covariates
from neuromf.data.latent_set import LatentSet
from neuromf.errors import InputError
from neuromf.monitor.events import Event
from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of
from neuromf.training.held_out.cost import DRAWS
from neuromf.training.held_out.draws import Slices, choose_slices, judged_kinds, scan_batch
from neuromf.training.held_out.gap import gap_of
from neuromf.training.held_out.losses import scan_losses, total, training_digest, undisturbed
from neuromf.training.held_out.record import ValidationRow
from neuromf.training.held_out.timetable import epochs_done, is_due
from neuromf.training.held_out.told import memorising
from neuromf.training.records.previews import averaged_net
from neuromf.training.step.state import TrainState


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes:
        row: its numbers, the same on all ranks.
        events: what is wrong, on this rank.
        seconds: that it took.
    """

    row: ValidationRow
    events: tuple[Event, ...]
    seconds: float


class Validator:
    """Judges the averaged weights of a run, or the weights where it keeps no average.

    Args:
        config: the run.
        training: normalised latents of the training split.
        validation: of the validation split; needed by a run that validates.
        covariates: of both splits, for a run whose network is told of some; no sample of a validation drops them.

    Raises:
        InputError: there is nothing to validate on (law VAL-001).
    """

    def __init__(
        self,
        config: Config,
        training: LatentSet,
        validation: LatentSet | None,
        covariates: Covariates | None = None,
    ) -> None:
        self._config, self._latents = config, (validation, training)
        self._covariates = None if covariates is None else (covariates.validation, covariates.training)
        self._slices = Slices((), ())
        if not config.training.validate_every_epochs:
            return
        if validation is None or not len(validation):
            raise nothing_to_validate()
        self._slices = choose_slices(config, training, validation)

    def after_step(self, state: TrainState) -> Validation | None:
        """Validate after the step that was just made; None where none is due. Every rank of a group calls this."""
        if not is_due(self._config, state.step - 1):
            return None
        begun = time.monotonic()
        looks = self._is_looked_at(state)
        before = training_digest(state) if looks else ""
        losses_22NK = self._losses(state)
        after = training_digest(state) if looks else ""
        row = self._row(state, losses_22NK)
        events = (*self._changed(state, before, after), *self._memorised(state, row))
        return Validation(row, events, time.monotonic() - begun)

    def _is_looked_at(self, state: TrainState) -> bool:
        """Whether the training's state is compared: around the first, second, fourth, eighth ... validation.

        A digest of a network of 180 million parameters takes seconds, and code that changes it does so from the first.
        """
        number = epochs_done(self._config, state.step) // self._config.training.validate_every_epochs
        return number & (number - 1) == 0

    def _losses(self, state: TrainState) -> Tensor:
        """Raw losses (split, kind, scan, draw), float64: validation then training, FM then MF."""
        device = state.parameters[0].device
        losses = torch.zeros((2, 2, len(self._slices), DRAWS), dtype=torch.float64, device=device)
        with undisturbed(state.model):
            net = averaged_net(state)
            for split, place, x, y_K in self._own_scans(state.group.rank, state.group.size):
                batch = scan_batch(self._config, x, place, device, y_K)
                losses[split, :, place] = scan_losses(net, batch, self._config)
        # Each number is one rank's and 0 on the others: the sum is exact.
        return state.group.gather(losses.flatten()).sum(0).reshape(losses.shape).cpu()

    def _own_scans(self, rank: int, size: int) -> Iterator[tuple[int, int, Tensor, Tensor | None]]:
        """Split, place, latent and covariates of the scans that a rank judges, pair by pair."""
        for place in range(rank, len(self._slices), size):
            for split, chosen in enumerate((self._slices.held_out, self._slices.trained)):
                latents = self._latents[split]
                assert latents is not None  # a run that validates has both
                told = None if self._covariates is None else self._covariates[split][chosen[place]]
                yield split, place, latents[[chosen[place]]][0], told

    def _row(self, state: TrainState, losses_22NK: Tensor) -> ValidationRow:
        kinds = [0 if is_fm else 1 for is_fm in judged_kinds(self._config)]
        # By scan, each with its samples of both kinds.
        samples = losses_22NK[:, kinds].movedim(1, 2).flatten(2).numpy()
        gap = gap_of(samples[0], samples[1])
        flow_2, meanflow_2 = losses_22NK.flatten(2).mean(2).unbind(1)
        total_2 = total(flow_2, meanflow_2, self._config)
        (val_total, train_total), (val_fm, train_fm), (val_mf, train_mf) = (
            loss_2.tolist() for loss_2 in (total_2, flow_2, meanflow_2)
        )
        return ValidationRow(
            epoch=epochs_done(self._config, state.step), step=state.step, scans=len(self._slices),
            samples=len(self._slices) * DRAWS, val_total=val_total, val_fm=val_fm, val_mf=val_mf,
            train_total=train_total, train_fm=train_fm, train_mf=train_mf,
            gap=gap.share, gap_low=gap.low, gap_high=gap.high,
        )  # fmt: skip

    def _changed(self, state: TrainState, before: str, after: str) -> Iterator[Event]:
        finding = evaluation_leaves_state(before=before, after=after)
        if not finding.passed:
            yield _warning(state, "EMA-003", alarm_of("EMA-003", Level.WARN, finding))

    def _memorised(self, state: TrainState, row: ValidationRow) -> Iterator[Event]:
        if not self._config.training.monitors:
            return
        finding = memorising(row)
        if not finding.passed:
            yield _warning(state, "VAL-005", alarm_of("VAL-005", Level.WARN, finding))


def nothing_to_validate() -> InputError:
    """That a run validates and has no subject for it."""
    remedy = "give its share of data.split_ratios a subject, or set training.validate_every_epochs=0"
    return InputError("the validation split is empty (law VAL-001)", remedy=remedy, key="data.split_ratios")


def _warning(state: TrainState, law_id: str, alarm: Alarm) -> Event:
    """Of the step just made: a resume from its checkpoint keeps it, one from an earlier checkpoint tells it again."""
    return Event(
        step=state.step - 1, level="warn", law=law_id, message=alarm.message, value=alarm.value, bound=alarm.bound
    )
