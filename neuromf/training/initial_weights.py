"""The weights of another run as a training's start: found, compared with the network, recorded, loaded (CKPT-002)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError
from torch import Tensor, nn

from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config
from neuromf.data.tensor_file import load_tensors
from neuromf.errors import InputError
from neuromf.monitor.checks.runtime_checks import judge
from neuromf.monitor.events import Event
from neuromf.nets.factory import build_net
from neuromf.output import whole_file
from neuromf.training.checkpoints.checkpoint import AVERAGE, WEIGHTS, Checkpoint, latest_checkpoint, read_checkpoint
from neuromf.training.records.run_folder import RunFolder, open_run
from neuromf.training.records.storage import written_to
from neuromf.training.step.state import TrainState

KEY = "training.init_from"
_AT_STEP = re.compile(r"(?P<run>.+)@(?P<step>\d+)")
MEANS = ("meanflow.prediction", "unet.conditioning", "unet.time_scale", "vae.checkpoint", "vae.factory")
"""Keys by which the same weights may mean something else."""


@dataclass(frozen=True)
class InitialWeights:
    """Which weights a run starts from, as it records them.

    Attributes:
        run: folder of the other run, absolute.
        step: of its checkpoint.
        weights: its averaged weights, or those of that step.
        sha256: of names and numbers of all tensors, see `tensor_hash`.
    """

    run: str
    step: int
    weights: Literal["average", "weights"]
    sha256: str

    @property
    def folder(self) -> Path:
        """Of the checkpoint."""
        return Path(self.run) / "checkpoints" / f"step_{self.step:08d}"

    def tensors(self) -> dict[str, Tensor]:
        """What the network is given.

        Raises:
            InputError: it is not there any more, or not what was recorded.
        """
        found = _tensors(self.folder, self.weights)
        if self.sha256 and tensor_hash(found) != self.sha256:
            remedy = "put back what the run began with, or start a new run"
            raise InputError(
                "holds other weights than those that were recorded", remedy=remedy, file=self.folder, key=KEY
            )
        return found


def tensor_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors by name, wherever they are."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def find_start(config: Config) -> InitialWeights | None:
    """The weights that a new run would start from; None where it starts from scratch.

    Raises:
        InputError: there is no such run, checkpoint or average, or the guard halted that run there.
    """
    named = config.training.init_from
    if named is None:
        return None
    at_step = _AT_STEP.fullmatch(named)
    run, other = open_run(Path(at_step["run"] if at_step else named))
    checkpoint = _checkpoint(run, int(at_step["step"]) if at_step else None)
    if checkpoint.state["halted"]:
        problem = f"the guard halted that run at step {checkpoint.step}"
        raise InputError(problem, remedy="name an earlier step, as RUN@STEP", file=checkpoint.path, key=KEY)
    weights = config.training.init_weights
    if weights == "average" and other.ema.decay is None:
        problem = "that run keeps no averaged weights"
        raise InputError(problem, remedy="set training.init_weights=weights", file=run.config, key=KEY)
    digest = tensor_hash(_tensors(checkpoint.path, weights))
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


def refuse_others(tensors: Mapping[str, Tensor], net: nn.Module, file: Path) -> None:
    """See that tensors are a network's, by name and shape.

    Raises:
        InputError: how many are not, and the first of each kind.
    """
    own = net.state_dict()
    kinds = {
        "missing there": [name for name in own if name not in tensors],
        "foreign": [name for name in tensors if name not in own],
        "of another shape": [n for n, value in own.items() if n in tensors and tensors[n].shape != value.shape],
    }
    told = [f"{len(names)} {kind}, first {names[0]}" for kind, names in kinds.items() if names]
    if reshaped := kinds["of another shape"]:
        told[-1] += f" {tuple(tensors[reshaped[0]].shape)} instead of {tuple(own[reshaped[0]].shape)}"
    if told:
        problem = f"of {len(own)} tensors of this network {', and '.join(told)}"
        remedy = "start from a run of the same network, or give this one the other's unet section"
        raise InputError(problem, remedy=remedy, file=file, key=KEY)


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


def _checkpoint(run: RunFolder, step: int | None) -> Checkpoint:
    if step is not None:
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


def _tensors(folder: Path, weights: str) -> dict[str, Tensor]:
    """Tensors of a checkpoint; beside the average those that are no parameters, of its step."""
    try:
        own = load_tensors(folder / WEIGHTS)
        return own if weights == "weights" else own | load_tensors(folder / AVERAGE)
    except (OSError, SafetensorError) as error:
        problem = f"the weights that the run starts from cannot be read ({error})"
        raise InputError(problem, remedy="put them back, or start a new run", file=folder, key=KEY) from error
