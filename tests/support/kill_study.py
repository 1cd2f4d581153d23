"""Trainings killed by SIGKILL and resumed, against one left alone.

`python -m tests.support.kill_study KILLS SEED REPORT`.

One process imports torch and never trains; each training is a fork of it. A kill falls at a random time, at a random
file operation of the checkpoint writer, or in the middle of one of its files.
"""

from __future__ import annotations

import mmap
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from neuromf.config import Config
from neuromf.training.checkpoints import checkpoint
from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint
from neuromf.training.loop import train
from neuromf.training.records.run_folder import RunFolder, create_run
from tests.support.rank_worker import latents
from tests.support.stored_report import write_report
from tests.support.tiny_run import make_tiny_config

CPU, STEPS = torch.device("cpu"), 6
KINDS = ("time", "time", "operation", "operation", "torn")
"""How the kills of a study are dealt out: two in five at a random time, three in five inside a checkpoint."""
EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
"""File operations at which a kill may fall, by the names of Python's audit events."""


def study_config() -> Config:
    """A few optimiser steps of two samples, a checkpoint each, of which two and the best are kept."""
    return make_tiny_config(
        "unet.channels=[8]", "unet.attention_levels=[false]", "training.epochs=1", "training.batch_size_per_gpu=2",
        f"training.micro_batches_per_epoch={STEPS}", "training.gradient_accumulation_steps=1",
        "training.checkpoint_every_steps=1",
    )  # fmt: skip


def load_lazy_parts() -> None:
    """Let torch import what it imports late, once for all children; no backward pass, whose threads do not fork."""
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])
    torch.func.jvp(torch.sin, (torch.zeros(1),), (torch.ones(1),))


def fork(run: Path, prepare: Callable[[], None]) -> int:
    """Train in a child, new or to be resumed; `prepare` is called in it first."""
    child = os.fork()
    if child:
        return child
    try:
        prepare()
        _train(run)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _train(run: Path) -> None:
    torch.set_num_threads(1)
    resume = (run / "config.yaml").exists()
    folder = RunFolder(run) if resume else create_run(run, study_config(), "")
    train(study_config(), latents(), folder, device=CPU, resume=resume)


def killed_at_operation(number: int, counter: mmap.mmap) -> Callable[[], None]:
    """Count the file operations inside `checkpoints` into shared memory; die before the `number`-th."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in EVENTS and "/checkpoints" in str(arguments[0]):
            done = int.from_bytes(counter[:8]) + 1
            counter[:8] = done.to_bytes(8)
            if done == number:
                os.kill(os.getpid(), signal.SIGKILL)

    counter[:8] = bytes(8)
    return lambda: sys.addaudithook(watch)


def killed_in_file(number: int, share: float) -> Callable[[], None]:
    """Die when a share of the `number`-th file of tensors is on disk."""
    left, save = [number], checkpoint.save_file

    def torn(tensors: dict[str, torch.Tensor], path: Path) -> None:
        save(tensors, path)
        left[0] -= 1
        if left[0] == 0:
            os.truncate(path, int(share * path.stat().st_size))
            os.kill(os.getpid(), signal.SIGKILL)

    return lambda: setattr(checkpoint, "save_file", torn)


def artefacts(run: Path) -> dict[str, bytes]:
    """What must not depend on interruptions."""
    newest = latest_checkpoint(run)
    assert newest is not None
    weights = {name: (newest.path / name).read_bytes() for name in FILES}
    return weights | {name: (run / name).read_bytes() for name in ("trace.csv", "training_summary.json")}


@dataclass(frozen=True)
class Undisturbed:
    """The run left alone: what it wrote, how long it took, and its file operations inside `checkpoints`."""

    files: dict[str, bytes]
    seconds: float
    operations: int


def undisturbed(folder: Path, counter: mmap.mmap) -> Undisturbed:
    """Train once to the end."""
    start = time.monotonic()
    assert os.waitpid(fork(folder / "whole", killed_at_operation(0, counter)), 0)[1] == 0
    return Undisturbed(artefacts(folder / "whole"), time.monotonic() - start, int.from_bytes(counter[:8]))


def kill_once(run: Path, kind: str, draw: random.Random, whole: Undisturbed, counter: mmap.mmap) -> str:
    """Start a training and kill it; where it was then, or `late` when it ended before."""
    if kind == "time":
        child = fork(run, lambda: None)
        time.sleep(draw.uniform(0, whole.seconds))
        os.kill(child, signal.SIGKILL)
    elif kind == "operation":
        child = fork(run, killed_at_operation(draw.randint(1, whole.operations), counter))
    else:
        child = fork(run, killed_in_file(draw.randint(1, len(FILES) * STEPS), draw.random()))
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        return "late"
    inside = any((run / "checkpoints").glob(".step_*"))
    return "inside a checkpoint" if inside else "between checkpoints" if (run / "trace.csv").exists() else "before"


def study(kills: int, seed: int, folder: Path) -> dict[str, object]:
    """Kill, resume and compare `kills` trainings."""
    draw, counter = random.Random(seed), mmap.mmap(-1, 8)
    whole = undisturbed(folder, counter)
    where: Counter[str] = Counter()
    differing: list[str] = []
    late = 0
    while where.total() < kills:
        run, kind = folder / f"run{where.total()}.{late}", KINDS[where.total() % len(KINDS)]
        place = kill_once(run, kind, draw, whole, counter)
        if place == "late":  # the machine was slower when the undisturbed run was timed
            late, whole = late + 1, replace(whole, seconds=0.8 * whole.seconds)
            continue
        where[f"{kind}: {place}"] += 1
        status = os.waitpid(fork(run, lambda: None), 0)[1]
        found = artefacts(run) if status == 0 else {}
        differing += [f"{run.name} {kind}: {name}" for name in whole.files if found.get(name) != whole.files[name]]
        shutil.rmtree(run)
    return {
        "kills": kills, "seed": seed, "where": dict(sorted(where.items())), "ended before the kill, drawn again": late,
        "differing": differing, "operations": whole.operations, "undisturbed_s": round(whole.seconds, 3),
    }  # fmt: skip


if __name__ == "__main__":
    load_lazy_parts()
    with tempfile.TemporaryDirectory() as scratch:
        start = time.monotonic()
        report = study(int(sys.argv[1]), int(sys.argv[2]), Path(scratch))
        report["study_s"] = round(time.monotonic() - start, 1)
    write_report(Path(sys.argv[3]), report)
