"""Worker processes on this machine that run probes, and the messages between them and the bisect.

`python -m neuromf.bisect.executor` starts such a worker. It reads tasks from standard input and writes answers to
standard output, one line of JSON each.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from neuromf.bisect.journal import outcome_of
from neuromf.bisect.oracle import ProbeOutcome, ProbeVerdict, Task
from neuromf.bisect.oracle_kinds import answer
from neuromf.checkout import before_others
from neuromf.errors import InputError

ONE_CORE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def worker_environment() -> dict[str, str]:
    """Variables of a worker besides those of the bisect: one core, and the bisect's own packages before all others."""
    return {**ONE_CORE, **before_others()}


def reply(record: dict[str, Any]) -> dict[str, Any]:
    """Answer a task's record; bad input is returned as data instead of raised, to cross to the other process."""
    number = record["number"]
    try:
        return {"number": number, "outcome": asdict(answer(Task.read(record["task"])))}
    except InputError as error:
        told = {"problem": error.problem, "remedy": error.remedy, "file": error.file, "key": error.key}
        return {"number": number, "refused": told}


def record_of(indexed: IndexedTask) -> dict[str, Any]:
    """A task as a record."""
    return {"number": indexed.number, "task": indexed.task.record()}


def answer_of(record: dict[str, Any]) -> Answer:
    """The answer of a reply.

    Raises:
        InputError: what the worker was refused.
    """
    if "refused" in record:
        told = record["refused"]
        raise InputError(told["problem"], remedy=told["remedy"], file=told["file"], key=told["key"])
    return Answer(int(record["number"]), outcome_of(record["outcome"]))


def line(record: dict[str, Any]) -> bytes:
    """A record as a line."""
    return json.dumps(record).encode() + b"\n"


@dataclass(frozen=True)
class IndexedTask:
    """A task with the number of its probe."""

    number: int
    task: Task


@dataclass(frozen=True)
class Answer:
    """An outcome with the number of its probe."""

    number: int
    outcome: ProbeOutcome


class Executor(Protocol):
    """Runs tasks and returns their answers in any order."""

    @property
    def size(self) -> int:
        """Tasks that run at once."""
        ...

    def submit(self, tasks: Sequence[IndexedTask]) -> None:
        """Take tasks; returns at once."""
        ...

    def wait(self) -> list[Answer]:
        """Answers that have come in since, at least one.

        Raises:
            InputError: a task failed for a reason that the user must correct.
        """
        ...

    def close(self) -> None:
        """Stop what is running."""
        ...


class _Worker:
    """One process and the thread that puts its lines into `lines`."""

    def __init__(self, lines: queue.Queue[tuple[_Worker, bytes]]) -> None:
        self.process = subprocess.Popen(
            # -P: a folder `tools` where the bisect was started must not be taken for ours.
            [sys.executable, "-P", "-m", "neuromf.bisect.executor"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **worker_environment()},
        )  # fmt: skip
        self.number: int | None = None
        threading.Thread(target=self._read_lines, args=(lines,), daemon=True).start()

    def give(self, indexed: IndexedTask) -> bool:
        """Send a task; False when the process has died, and the task can be given to another."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line(record_of(indexed)))
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        self.number = indexed.number
        return True

    def _read_lines(self, lines: queue.Queue[tuple[_Worker, bytes]]) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            if text.endswith(b"\n"):  # the process died in the middle of any other
                lines.put((self, text))
        lines.put((self, b""))


class LocalExecutor:
    """Up to `jobs` workers, each on one core.

    Args:
        jobs: workers.
    """

    def __init__(self, jobs: int) -> None:
        self.size = jobs
        self._lines: queue.Queue[tuple[_Worker, bytes]] = queue.Queue()
        self._backlog: deque[IndexedTask] = deque()
        self._idle: list[_Worker] = []
        self._workers: list[_Worker] = []

    def submit(self, tasks: Sequence[IndexedTask]) -> None:
        """Give tasks to idle workers, and keep the others until one is idle."""
        self._backlog.extend(tasks)
        while self._backlog and (self._idle or len(self._workers) < self.size):
            worker = self._idle.pop() if self._idle else self._start()
            if worker.give(self._backlog[0]):
                self._backlog.popleft()
            else:
                self._forget(worker)

    def _start(self) -> _Worker:
        worker = _Worker(self._lines)
        self._workers.append(worker)
        return worker

    def wait(self) -> list[Answer]:
        """Wait for one answer; a task whose worker died is undecided."""
        while True:
            worker, text = self._lines.get()
            number, worker.number = worker.number, None
            if text:
                self._idle.append(worker)
                found = answer_of(json.loads(text))
            else:
                self._forget(worker)
                if number is None:
                    continue
                code = worker.process.wait()
                found = Answer(
                    number, ProbeOutcome(ProbeVerdict.UNDECIDED, detail=f"its process ended with code {code}")
                )
            self.submit(())
            return [found]

    def _forget(self, worker: _Worker) -> None:
        """Drop a worker that died; its end may be noticed twice, when a task is sent and when its output ends."""
        self._workers = [other for other in self._workers if other is not worker]
        self._idle = [other for other in self._idle if other is not worker]

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()


def main() -> None:
    """Answer tasks until standard input ends."""
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        os.dup2(2, 1)  # what a library prints must not mix with the answers
        tasks: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
        while True:
            answers.write(line(reply(tasks.get())))


def _listen(tasks: queue.Queue[dict[str, Any]]) -> None:
    for text in sys.stdin.buffer:
        tasks.put(json.loads(text))
    os._exit(0)


if __name__ == "__main__":
    main()
