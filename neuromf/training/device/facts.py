"""What a training computes on, as it is printed and kept; and why torch sees no GPU, for whoever was promised one."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import torch

from neuromf.counted import counted
from neuromf.errors import InputError

GIVEN = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "CUDA_VISIBLE_DEVICES")
"""Variables by which a scheduler says which GPUs it gave to a job."""
NO_GPU = ("", "-1", "NoDevFiles", "void", "none")
"""What they hold where it gave none."""
DRIVER = Path("/proc/driver/nvidia/version")
"""Where the kernel's module of NVIDIA tells its version; not there without one."""


def device_facts(device: torch.device, ranks: int) -> dict[str, str]:
    """The device of each of `ranks` processes, as `run.json` keeps it.

    Returns:
        `device` (cpu or cuda), `device_name`, `ranks`, `threads` of torch; for a GPU also `capability`, `device_memory`
        with its unit, and `cuda`, the version that torch was built for.
    """
    facts = {"device": device.type, "ranks": str(ranks), "threads": str(torch.get_num_threads())}
    if device.type != "cuda":
        return facts | {"device_name": processor_name()}
    properties = torch.cuda.get_device_properties(device)
    return facts | {
        "device_name": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "device_memory": f"{properties.total_memory / 2**30:.1f} GiB",
        "cuda": str(torch.version.cuda or torch.version.hip),
    }


def device_sentence(facts: dict[str, str], does: str = "trains") -> str:
    """The same in one line, of what is done there."""
    each = "" if facts["ranks"] == "1" else f"{facts['ranks']} processes, each on "
    if facts["device"] != "cuda":
        return f"{does} on the CPU: {each}{facts['device_name']}, {counted(facts['threads'], 'thread')}"
    built = f"capability {facts['capability']}, torch's CUDA {facts['cuda']}"
    return f"{does} on cuda: {each}{facts['device_name']}, {facts['device_memory']}, {built}"


def seen_by_torch() -> str:
    """What decides whether torch has a GPU: its build, the driver, and what it is allowed to see."""
    built = f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "is built without CUDA"
    if torch.version.hip:
        built = f"is built for ROCm {torch.version.hip}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    allowed = "CUDA_VISIBLE_DEVICES is not set" if visible is None else f"CUDA_VISIBLE_DEVICES is '{visible}'"
    gpus = counted(torch.cuda.device_count(), "GPU")
    return f"torch {torch.__version__} {built} and sees {gpus}, {_driver()}, {allowed}"


def refuse_broken_promise(gpus: int, device: torch.device, environment: Mapping[str, str] = os.environ) -> None:
    """Stop a training that was promised a GPU and would compute on the CPU, which nobody asked for.

    A configuration says at least one GPU, also where it is meant for the CPU: one is no promise. Several are, and so
    is a GPU that the scheduler gave to this job.

    Args:
        gpus: `training.gpus`.
        device: that was chosen.
        environment: of the process.

    Raises:
        InputError: naming the promise and why torch sees no GPU.
    """
    if device.type == "cuda":
        return
    given = next((f"{name} is '{environment[name]}'" for name in GIVEN if environment.get(name, "") not in NO_GPU), "")
    promise = f"training.gpus is {gpus}" if gpus > 1 else given
    if promise:
        remedy = "mend that, or say --device cpu to train on the CPU on purpose"
        key = "training.gpus" if gpus > 1 else "--device"
        raise InputError(f"{promise}, but no GPU can be used: {seen_by_torch()}", remedy=remedy, key=key)


def moved(former: dict[str, str], facts: dict[str, str]) -> str:
    """Said of a run that goes on elsewhere than it was started; empty where it does not, or where that is not kept."""
    if "device" not in former or all(former.get(key) == facts[key] for key in ("device", "device_name", "ranks")):
        return ""
    then, now = (
        f"{kept['device']} ({kept.get('device_name')}, {counted(kept.get('ranks', '?'), 'process', 'processes')})"
        for kept in (former, facts)
    )
    return f"the run was started on {then} and goes on on {now}"


def processor_name() -> str:
    """What the kernel calls the processor, or its architecture where it does not say."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _driver() -> str:
    try:
        words = DRIVER.read_text().split()
    except OSError:
        return "no NVIDIA driver is loaded"
    numbers = [word for word in words if "." in word and word.replace(".", "").isdigit()]
    return f"the NVIDIA driver is {numbers[0]}" if numbers else "an NVIDIA driver is loaded"
