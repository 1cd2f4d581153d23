"""Installs, starts and stops the rehearsal's SLURM; all that it writes lies in one folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from neuromf.errors import InputError
from tools.cluster.files import NODES, Ports, texts

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
UP_S, DOWN_S = 60.0, 20.0
"""Seconds within which all nodes are there, and a daemon has ended."""


def install() -> None:
    """Get Debian's packages where a program is missing; their services are not started.

    Raises:
        InputError: this is no root of a Debian, or the packages cannot be had.
    """
    missing = [name for name in ("slurmctld", "slurmd", "sbatch", "munged") if shutil.which(name) is None]
    if missing and (os.geteuid() or shutil.which("apt-get") is None):
        remedy = f"as root on Debian or Ubuntu run it again, or install {', '.join(PACKAGES)}"
        raise InputError(f"there is no {missing[0]} here", remedy=remedy, key="cluster")
    if os.geteuid():
        raise InputError("the daemons start jobs as root", remedy="run it as root, in a container", key="cluster")
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]):
        if (
            missing
            and subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False).returncode
        ):
            raise InputError(f"{' '.join(command)} failed", remedy="see above", key="cluster")


def slurm_version() -> str:
    """As `slurmd -V` says it, without the name."""
    return subprocess.run(["slurmd", "-V"], capture_output=True, text=True, check=True).stdout.split()[-1]


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """The cluster while the block runs, with SLURM_CONF set to it.

    Args:
        folder: empty; the daemons' files and logs stay there.

    Raises:
        InputError: its nodes do not come up.
    """
    year, month = (int(part) for part in slurm_version().split(".")[:2])
    for name in ("munge", "state", *(f"spool-{node}" for node in NODES)):
        (folder / name).mkdir()
    for name, text in texts(folder, _free_ports(), (year, month)).items():
        (folder / name).write_text(text, encoding="utf-8")
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    with ExitStack() as stack:
        stack.enter_context(_daemon(folder, "munged", _munged(folder / "munge")))
        _wait_for(folder / "munge" / "socket")
        stack.enter_context(_daemon(folder, "slurmctld", ["slurmctld", "-D"]))
        for node in NODES:
            stack.enter_context(_daemon(folder, node, ["slurmd", "-D", "-N", node]))
        stack.callback(_end_jobs)
        _wait_for_nodes(folder)
        yield


def _munged(folder: Path) -> list[str]:
    files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    return ["munged", "--foreground", "--force", *(f"--{option}={folder / name}" for option, name in files.items())]


@contextmanager
def _daemon(folder: Path, name: str, command: Sequence[str]) -> Iterator[None]:
    with (folder / f"{name}.out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(DOWN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports() -> Ports:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(1 + len(NODES))]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        controller, *nodes = (one.getsockname()[1] for one in sockets)
    return Ports(controller, tuple(nodes))


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + UP_S
    while not path.exists():
        if time.monotonic() > deadline:
            raise InputError("is not there", remedy="read the logs beside it", file=path)
        time.sleep(0.1)


def _wait_for_nodes(folder: Path) -> None:
    deadline = time.monotonic() + UP_S
    asked = ["sinfo", "--noheader", "--Node", "--partition=plain", "--format=%T"]
    while subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split() != ["idle"] * len(NODES):
        if time.monotonic() > deadline:
            raise InputError("nodes did not come up", remedy="read the logs of slurmd in that folder", file=folder)
        time.sleep(0.5)


def _end_jobs() -> None:
    subprocess.run(["scancel", f"--user={os.geteuid()}"], capture_output=True, check=False)
    deadline = time.monotonic() + 2 * DOWN_S
    while subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=False).stdout.strip():
        if time.monotonic() > deadline:
            return
        time.sleep(0.5)
