"""The folder of a run: where each file stands, and what may not be overwritten."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import neuromf
from neuromf.config.recorded import read_recorded
from neuromf.config.resolve import config_hash, flat_config, resolved_text
from neuromf.config.schema import Config
from neuromf.data.staging import refuse_occupied, staged_directory
from neuromf.errors import InputError
from neuromf.lock import refuse_in_use

CODE_HASH = "network_sha256"
"""Key of `run.json` for the hash of what the source of an own network says."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run."""

    root: Path

    @property
    def config(self) -> Path:
        """Resolved configuration."""
        return self.root / "config.yaml"

    @property
    def trace(self) -> Path:
        """One row an optimiser step."""
        return self.root / "trace.csv"

    @property
    def summary(self) -> Path:
        """One record an epoch."""
        return self.root / "training_summary.json"

    @property
    def events(self) -> Path:
        """Alarms and other events."""
        return self.root / "events.jsonl"

    @property
    def pace(self) -> Path:
        """When how many steps were done."""
        return self.root / "pace.csv"

    @property
    def checkpoint_times(self) -> Path:
        """Seconds that each checkpoint cost: those that the training waited, and those of its writing."""
        return self.root / "checkpoint_times.csv"

    @property
    def validations(self) -> Path:
        """One row a validation; absent where the run does not validate."""
        return self.root / "validation.csv"

    @property
    def validation_times(self) -> Path:
        """Seconds that each validation took."""
        return self.root / "validation_times.csv"

    @property
    def previews(self) -> Path:
        """Folder of the samples left on the way."""
        return self.root / "previews"

    @property
    def lock(self) -> Path:
        """There while a training writes the run; who holds it."""
        return self.root / ".lock"

    @property
    def environment(self) -> Path:
        """Versions and device the run was started with, the hash of its latents, and what the gate said of it."""
        return self.root / "run.json"

    @property
    def start(self) -> Path:
        """Which weights of another run it started from; absent where it started from scratch."""
        return self.root / "init_from.json"

    @property
    def latents(self) -> Path:
        """What the run keeps of its latents, see `neuromf.data.record`; absent in runs from before there was such."""
        return self.root / "latents"


def check_new_run(root: Path) -> None:
    """Make sure that a new run would overwrite nothing.

    Raises:
        InputError: `root` is a file or already holds something.
    """
    if root.is_file():
        raise InputError("is a file", remedy="give a folder that does not exist yet", file=root, key="--out")
    try:
        refuse_occupied(root)
    except InputError as error:
        refuse_in_use(RunFolder(root).lock, root)
        remedy = "continue it with --resume or give another --out"
        raise InputError(
            "the folder already holds a run or other files", remedy=remedy, file=root, key="--out"
        ) from error


def create_run(
    root: Path,
    config: Config,
    latents: str,
    *,
    gate: str = "not asked",
    device: Mapping[str, str] | None = None,
    keep: Callable[[RunFolder], None] = lambda run: None,
) -> RunFolder:
    """Make a new run folder.

    Args:
        root: the folder.
        config: the run.
        latents: content hash of the latent store.
        gate: what the gate said of it.
        device: what it computes on, see `device_facts`.
        keep: writes what else the run is to hold from its beginning into the folder it is given.

    Raises:
        InputError: `root` is a file or already holds something, or cannot be written.
    """
    check_new_run(root)
    with staged_directory(root) as staging:  # a run folder is there whole or not at all
        kept = _environment(latents, gate) | code_facts(config) | dict(device or {})
        RunFolder(staging).environment.write_text(json.dumps(kept, indent=1) + "\n")
        RunFolder(staging).config.write_text(resolved_text(config))
        keep(RunFolder(staging))
    return RunFolder(root)


def check_latents(run: RunFolder, content_hash: str) -> None:
    """Make sure that a run goes on with, or is decoded by, the latents it was started on.

    Raises:
        InputError: they are others: a scan, the autoencoder or the split has changed.
    """
    try:
        recorded = json.loads(run.environment.read_text())["latents"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"not readable ({error})", remedy="restore the file", file=run.environment) from error
    if recorded != content_hash:
        problem = "the run was started on other latents"
        remedy = "restore the scans and the autoencoder it was started with, or the run's own files, or start a new run"
        raise InputError(problem, remedy=remedy, file=run.environment, key="latents")


def recorded_environment(run: RunFolder) -> dict[str, str]:
    """What `run.json` says; an older run says less.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return {str(key): str(value) for key, value in json.loads(run.environment.read_text()).items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"not readable ({error})", remedy="restore the file", file=run.environment) from error


def open_run(root: Path, config: Config | None = None) -> tuple[RunFolder, Config]:
    """Open an existing run and its configuration.

    Args:
        root: the run's folder.
        config: what the caller wants to run; it must be the run's own.

    Raises:
        InputError: no run is there, or it was made with another configuration.
    """
    run = RunFolder(root)
    if not run.config.is_file():
        raise InputError("holds no run", remedy="give the --out of a `neuromf train`", file=root)
    recorded = read_recorded(run.config)
    if config is not None and config_hash(config) != config_hash(recorded):
        now, then = flat_config(config), flat_config(recorded)
        keys = (*then, *(key for key in now if key not in then))  # options of own code are in one of the two, perhaps
        changed = next((key for key in keys if repr(now.get(key)) != repr(then.get(key))), "config_hash")
        problem = f"the run has {then.get(changed)!r}, the configuration {now.get(changed)!r}"
        raise InputError(
            problem, remedy="resume with the run's own values or give a new --out", file=run.config, key=changed
        )
    return run, recorded


def code_facts(config: Config) -> dict[str, str]:
    """What `run.json` says of code of the user's own that builds the network; nothing where ours does.

    Raises:
        InputError: it cannot be called.
    """
    if config.unet.factory is None:
        return {}
    from neuromf.nets.factory import network_code  # torch is not loaded to look at a run

    code = network_code(config)
    return {} if code is None else {"network": code.name, "network_file": code.file, CODE_HASH: code.sha256}


def _environment(latents: str, gate: str) -> dict[str, str]:
    import numpy
    import torch  # here, for who only looks at a run needs neither

    return {
        "neuromf": neuromf.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "machine": platform.machine(),
        "threads": str(torch.get_num_threads()),
        "latents": latents,
        "gate": gate,
    }
