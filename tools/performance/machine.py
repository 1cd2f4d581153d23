"""The machine a number was measured on."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass

import torch

from neuromf.training.device.facts import processor_name


@dataclass(frozen=True)
class Machine:
    """What a reader needs to weigh a measurement.

    Attributes:
        kind: the name in lower case, joined by dashes, after "cpu" for a processor; names the file of the numbers.
        name: of the accelerator, or of the processor with the instructions that torch uses on it.
        cores: processor cores that were visible.
        threads: of torch.
        memory_gib: of the accelerator; of the machine without one.
        torch: version.
        python: version.
    """

    kind: str
    name: str
    cores: int
    threads: int
    memory_gib: float
    torch: str
    python: str


def describe_machine(device: torch.device) -> Machine:
    """The machine behind `device`."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        name, memory = properties.name, properties.total_memory
    else:
        # Processors of one name differ in these by half of a step's time.
        name = f"{processor_name()} ({torch.backends.cpu.get_cpu_capability()})"
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        kind=_slug(name if device.type == "cuda" else f"cpu {name}"),
        name=name,
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        memory_gib=round(memory / 2**30, 1),
        torch=torch.__version__,
        python=platform.python_version(),
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
