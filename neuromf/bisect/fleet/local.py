"""Worker processes on this machine, started afresh, never forked: they hold no lock and no descriptor of the bisect."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence

from neuromf.bisect.fleet.environment import worker_environment
from neuromf.bisect.fleet.fleet import Answer, Numbered
from neuromf.bisect.fleet.messages import answer_of, line, record_of
from neuromf.bisect.oracle import Outcome, Verdict


class _Worker:
    """One process and the thread that reads its answers into `heard`."""

    def __init__(self, heard: queue.Queue[tuple[_Worker, bytes]]) -> None:
        self.process = subprocess.Popen(
            # -P: a folder `tools` where the bisect was started must not be taken for ours.
            [sys.executable, "-P", "-m", "neuromf.bisect.fleet.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **worker_environment()},
        )  # fmt: skip
        self.number: int | None = None
        threading.Thread(target=self._listen, args=(heard,), daemon=True).start()

    def give(self, numbered: Numbered) -> bool:
        """Send a task; False when the process has died, which leaves the task as it was."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line(record_of(numbered)))
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        self.number = numbered.number
        return True

    def _listen(self, heard: queue.Queue[tuple[_Worker, bytes]]) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            heard.put((self, text))
        heard.put((self, b""))


class LocalFleet:
    """Up to `jobs` workers, each on one core.

    Args:
        jobs: workers.
    """

    def __init__(self, jobs: int) -> None:
        self.size = jobs
        self._heard: queue.Queue[tuple[_Worker, bytes]] = queue.Queue()
        self._backlog: deque[Numbered] = deque()
        self._idle: list[_Worker] = []
        self._workers: list[_Worker] = []

    def submit(self, tasks: Sequence[Numbered]) -> None:
        """Give tasks to idle workers, and keep the others until one is idle."""
        self._backlog.extend(tasks)
        while self._backlog and (self._idle or len(self._workers) < self.size):
            worker = self._idle.pop() if self._idle else self._start()
            if worker.give(self._backlog[0]):
                self._backlog.popleft()
            else:
                self._forget(worker)

    def _start(self) -> _Worker:
        worker = _Worker(self._heard)
        self._workers.append(worker)
        return worker

    def wait(self) -> list[Answer]:
        """Wait for one answer; a worker that died has none to give."""
        while True:
            worker, text = self._heard.get()
            number, worker.number = worker.number, None
            if text:
                self._idle.append(worker)
                found = answer_of(json.loads(text))
            else:
                self._forget(worker)
                if number is None:
                    continue
                code = worker.process.wait()
                found = Answer(number, Outcome(Verdict.UNDECIDED, detail=f"its process ended with code {code}"))
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
