"""Reads how many GPUs an option of `sbatch` requests (`--gpus`, `--gres` and others)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuromf.counted import counted

COUNTED = ("gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket")
"""Options that say `[type:]number`."""
NAMED = ("gres", "tres-per-job", "tres-per-node", "tres-per-task", "tres-per-socket")
"""Options that say `name[:type][:number]` of several resources."""
IN_ALL = ("gpus", "tres-per-job")
"""Options that count those of the whole job; all others count those of a node, which has one task."""
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


def with_count(gres: str, gpus: int) -> str:
    """A value of --gres whose GPUs have a number: `gpu` and `gpu:a100` are given that of a node.

    Args:
        gres: as it was typed, of several resources.
        gpus: of each node.
    """
    return ",".join(f"{part}:{gpus}" if _kind(part) and not _counted(part) else part for part in gres.split(","))


def recounted(gres: str, gpus: int) -> str:
    """A value of --gres with another number of its first kind of GPU, of which none is left where that is 0."""
    parts = gres.split(",")
    of_gpus = [part for part in parts if _kind(part)]
    kept = [part for part in parts if not _kind(part)]
    return ",".join([f"{_kind(part)}:{gpus}" for part in of_gpus[:1] if gpus] + kept)


def _kind(part: str) -> str:
    """`gpu` or `gpu:type` of one resource, empty where it is no GPU."""
    name, *rest = re.split("[:=]", part.partition("(")[0].removeprefix("gres/"))
    return ":".join([name, *(word for word in rest if not word.isdecimal())]) if name == "gpu" else ""


def _counted(part: str) -> bool:
    return part.partition("(")[0].replace("=", ":").rpartition(":")[2].isdecimal()
