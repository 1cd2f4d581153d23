"""The weights of another run as a training's start: found, compared with the network, recorded, loaded (CKPT-002)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.checks.runtime_checks import judge
from neuromf.monitor.events import Event
from neuromf.nets.factory import build_net
from neuromf.output import whole_file
from neuromf.training.checkpoints.checkpoint import Checkpoint, latest_checkpoint, read_checkpoint
from neuromf.training.checkpoints.folders import BEST
from neuromf.training.checkpoints.named import LATEST, named_checkpoint
from neuromf.training.former_weights import KEY, InitialWeights, refuse_others, stored_tensors, tensor_hash
from neuromf.training.records.run_folder import RunFolder, open_run
from neuromf.training.records.storage import written_to
from neuromf.training.step.state import TrainState

_AT = re.compile(rf"(?P<run>.+)@(?P<name>\d+|{LATEST}|{BEST})")
MEANS = (
    "covariates.columns",
    "meanflow.prediction",
    "unet.conditioning",
    "unet.time_scale",
    "vae.checkpoint",
    "vae.factory",
)
"""Keys by which the same weights may mean something else."""


def find_start(config: Config) -> InitialWeights | None:
    """The weights that a new run would start from; None where it starts from scratch.

    Raises:
        InputError: there is no such run, checkpoint or average, the guard halted that run there, or it put another
            best checkpoint in place meanwhile.
    """
    named = config.training.init_from
    if named is None:
        return None
    at = _AT.fullmatch(named)
    name = at["name"] if at else LATEST
    run, other = open_run(Path(at["run"] if at else named))
    checkpoint = _checkpoint(run, name)
    if checkpoint.state["halted"]:
        problem = f"the guard halted that run at step {checkpoint.step}"
        raise InputError(
            problem, remedy="name an earlier step, as RUN@STEP, or RUN@best", file=checkpoint.path, key=KEY
        )
    weights = config.training.init_weights
    if weights == "average" and other.ema.decay is None:
        problem = "that run keeps no averaged weights"
        raise InputError(problem, remedy="set training.init_weights=weights", file=run.config, key=KEY)
    digest = tensor_hash(stored_tensors(checkpoint.path, weights))
    if name == BEST and _checkpoint(run, name).state != checkpoint.state:
        problem = "was replaced by a better one while it was read"
        raise InputError(problem, remedy="start again", file=checkpoint.path, key=KEY)
    return InitialWeights(str(run.root.absolute()), checkpoint.step, weights, digest)


def check_start(config: Config) -> None:
    """Find what a new run starts from and see that its network takes it, before anything else is done.

    Raises:
        InputError: as `find_start`, or the tensors are another network's.
    """
    start = find_start(config)
    if start is not None:
        refuse_others(start.tensors(), build_net(config), start.folder)


def start_from(state: TrainState, run: RunFolder, config: Config) -> list[Event]:
    """Give the network and its average the weights that the run starts from; nothing where it starts from scratch.

    Rank 0 chooses and records them, the first time; each rank loads and judges its own.

    Raises:
        InputError: they are not to be had, another network's, or not what was recorded (law CKPT-002).
    """
    if config.training.init_from is None:
        return []
    start = state.group.run_on_rank_zero(partial(_recorded, run, config))
    tensors = start.tensors()
    refuse_others(tensors, state.model, start.folder)
    state.model.load_state_dict(tensors)
    for name, value in state.model.named_parameters():
        if name in state.ema.shadow:
            state.ema.shadow[name].copy_(value.detach())
    _judge_start(start, tensors, state.model)
    which = "averaged weights" if start.weights == "average" else "weights"
    said = f"starts from the {which} of {start.run} at step {start.step}, sha256 {start.sha256[:12]}"
    events = [Event(step=0, level="info", law="CKPT-002", message=said)]
    return events + [Event(step=0, level="warn", law="", message=text) for text in other_meaning(start, config)]


def other_meaning(start: InitialWeights, config: Config) -> list[str]:
    """In which settings the runs differ that decide what a weight means, a sentence each."""
    there, here = flat_config(open_run(Path(start.run))[1]), flat_config(config)
    return [
        f"{key} was {there[key]!r} in {start.run}, whose weights this run starts from, and is {here[key]!r} here"
        for key in MEANS
        if there[key] != here[key]
    ]


def _judge_start(start: InitialWeights, tensors: Mapping[str, Tensor], net: nn.Module) -> None:
    present = net.state_dict()
    differing: list[str] = []
    if tensor_hash(present) != start.sha256:
        alike = {name: tensor_hash({"": value}) == tensor_hash({"": tensors[name]}) for name, value in present.items()}
        differing = [name for name, same in alike.items() if not same]
    finding = judge("CKPT-002", differing=differing).finding
    if not finding.passed:
        problem = f"the run's first weights are not those recorded (law CKPT-002): {finding.value}, {finding.detail}"
        raise InputError(problem, remedy="start a new run", file=start.folder, key=KEY)


def _recorded(run: RunFolder, config: Config) -> InitialWeights:
    """What the run recorded of its start, or records now."""
    if run.start.is_file():
        try:
            return InitialWeights(**json.loads(run.start.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            problem = f"the record of the run's first weights cannot be read ({error})"
            raise InputError(problem, remedy="restore the file, or start a new run", file=run.start) from error
    start = find_start(config)
    assert start is not None  # asked for
    with written_to(run.root), whole_file(run.start) as staging:
        staging.write_text(json.dumps(asdict(start), indent=1) + "\n", encoding="utf-8")
    return start


def _checkpoint(run: RunFolder, name: str) -> Checkpoint:
    """A run's checkpoint of a step, its newest or its best."""
    if name == BEST:
        return named_checkpoint(run.root, name, key=KEY)
    if name != LATEST:
        step = int(name)
        place = run.root / "checkpoints" / f"step_{step:08d}"
        if not place.is_dir():
            there = [str(int(one.name[-8:])) for one in sorted(place.parent.glob("step_" + "[0-9]" * 8))]
            remedy = f"name one of {', '.join(there)}" if there else "train it first"
            raise InputError(f"has no checkpoint of step {step}", remedy=remedy, file=run.root, key=KEY)
        return read_checkpoint(place)
    found = latest_checkpoint(run.root)
    if found is None:
        raise InputError("holds no whole checkpoint", remedy="train it first", file=run.root / "checkpoints", key=KEY)
    return found
