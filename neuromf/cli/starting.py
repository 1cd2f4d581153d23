"""Announces the device of a training before anything is encoded, and gives it to the run's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from neuromf.cli.console import make_console
from neuromf.config.schema import Config
from neuromf.monitor.events import Event
from neuromf.training.device.facts import device_facts, device_sentence, moved, promised_gpus
from neuromf.training.process_group.ranks import ProcessGroup


@dataclass(frozen=True)
class Start:
    """Where a training begins or goes on.

    Attributes:
        facts: of the device, see `device_facts`.
        note: why it is not what the configuration promises; empty where it is, or where the device was named.
    """

    facts: dict[str, str]
    note: str

    @property
    def record(self) -> dict[str, str]:
        """What `run.json` keeps."""
        return self.facts | ({"device_note": self.note} if self.note else {})

    def events(self, recorded: Mapping[str, str]) -> list[Event]:
        """What the run's log keeps: a broken promise, and that the device is not the one of `recorded`."""
        said = (("warn", self.note), ("info", moved(dict(recorded), self.facts)))
        return [Event(step=0, level=level, law="", message=message) for level, message in said if message]


def announce(config: Config, device: torch.device, group: ProcessGroup, *, named: bool) -> Start:
    """Say on rank 0 what the training computes on.

    Args:
        config: the run.
        device: of this process.
        group: who shares it.
        named: whether the user asked for it; a CPU that nobody asked for breaks a promise of several GPUs.
    """
    facts = device_facts(device, group.size)
    start = Start(facts, "" if named else promised_gpus(config.training.gpus, facts))
    if group.rank == 0:
        for sentence in filter(None, (device_sentence(facts), start.note)):
            make_console().print(sentence, soft_wrap=True)
    return start
