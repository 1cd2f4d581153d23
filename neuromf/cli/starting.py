"""Announces the device of a training before anything is encoded, and gives it to the run's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from neuromf.cli.console import make_console
from neuromf.monitor.events import Event
from neuromf.training.device.facts import device_facts, device_sentence, moved
from neuromf.training.process_group.ranks import ProcessGroup


@dataclass(frozen=True)
class Start:
    """Where a training begins or goes on.

    Attributes:
        facts: of the device, see `device_facts`; what `run.json` keeps.
    """

    facts: dict[str, str]

    def events(self, recorded: Mapping[str, str]) -> list[Event]:
        """What the run's log keeps: that the device is not the one of `recorded`."""
        message = moved(dict(recorded), self.facts)
        return [Event(step=0, level="info", law="", message=message)] if message else []


def announce(device: torch.device, group: ProcessGroup) -> Start:
    """Say on rank 0 what the training computes on.

    Args:
        device: of this process.
        group: who shares the training.
    """
    facts = device_facts(device, group.size)
    if group.rank == 0:
        make_console().print(device_sentence(facts), soft_wrap=True)
    return Start(facts)
