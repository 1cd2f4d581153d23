"""Reads how many GPUs an option of `sbatch` requests (`--gpus`, `--gres` and others)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuromf.counted import counted

COUNTED = ("gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket")
"""Options that say `[type:]number`; on one node and in one task all but the last say the same."""
NAMED = ("gres", "tres-per-job", "tres-per-node", "tres-per-task", "tres-per-socket")
"""Options that say `name[:type][:number]` of several resources."""
SHARES = ("shard", "mps")
"""Resources that are parts of a GPU."""


@dataclass(frozen=True)
class GpuRequest:
    """GPUs that are asked for; the count is None where it depends on the node, or is a part of a GPU."""

    text: str
    count: int | None

    def agrees(self, processes: int) -> bool:
        """Whether that many processes have a GPU each, and none stands idle."""
        return self.count == processes if self.count is not None else processes > 0


def gpu_request(name: str, value: str) -> GpuRequest | None:
    """What an option asks for; None where that is no GPU.

    Args:
        name: long name, without dashes.
        value: as it was typed.
    """
    parts = value.split(",")
    if name in NAMED:
        named = [re.split("[:=]", part.removeprefix("gres/"), maxsplit=1) for part in parts]
        if any(kind in SHARES for kind, *_ in named):
            return GpuRequest("parts of a GPU", None)
        parts = [(rest or [""])[0] for kind, *rest in named if kind == "gpu"]
    elif name not in COUNTED:
        return None
    if not parts:
        return None
    if name.endswith("-per-socket"):
        return GpuRequest("GPUs by socket", None)
    total = sum(_number(part) for part in parts)
    return GpuRequest(counted(total, "GPU"), total)


def _number(text: str) -> int:
    """Count at the end of `[type:]number[(S:0)]`; one where only a type is named."""
    last = text.partition("(")[0].replace("=", ":").rpartition(":")[2]
    return int(last) if last.isdecimal() else 1
