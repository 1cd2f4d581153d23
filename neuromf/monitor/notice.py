"""Words that reach people: an alarm runs a command or is posted to a URL, once per law and level.

Nothing here stops or delays a training: each notice is sent by a thread of its own, with a time-out, and a notice that
fails is told once. A command never meets a shell: it is a list, or split as a shell would split it, and gets the alarm
as JSON on its standard input.
"""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
import threading
import time
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from neuromf.errors import InputError
from neuromf.monitor.events import Event
from neuromf.readable import printable

TIMEOUT = 10.0
"""Seconds that a command or a server has."""
LOG = logging.getLogger("neuromf")


class Notifier:
    """Sends alarms.

    Args:
        target: a URL that begins with http:// or https://, or a command: a list of words, or a line that is split into
            words as a shell splits it, with nothing in it expanded.
        run: what the run is called in the notice.
        timeout: seconds that one notice may take.
        known: alarms that were told before, by law and level.

    Raises:
        InputError: the target is empty, or a URL of another kind.
    """

    def __init__(
        self, target: str | Sequence[str], run: str | Path, timeout: float = TIMEOUT, known: Sequence[Event] = ()
    ) -> None:
        self._url, self._command = _parsed(target)
        self._run, self._timeout = printable(str(run)), timeout
        self._told = {(event.law, event.level) for event in known}
        self._threads: list[threading.Thread] = []
        self._failed = threading.Event()

    def tell(self, event: Event) -> bool:
        """Send an alarm that is new; what only informs is not sent.

        Returns:
            Whether a notice is under way.
        """
        if event.level == "info" or (event.law, event.level) in self._told:
            return False
        self._told.add((event.law, event.level))
        body = json.dumps(notice_of(event, self._run)).encode()
        thread = threading.Thread(target=self._send, args=(body,), daemon=True, name="neuromf-notice")
        self._threads = [*(former for former in self._threads if former.is_alive()), thread]
        thread.start()
        return True

    def settle(self) -> None:
        """Wait for notices that are under way, no longer than one may take: the last one tells why a run ended."""
        end = time.monotonic() + self._timeout + 1.0
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0.0))

    def _send(self, body: bytes) -> None:
        try:
            self._post(body) if self._url else self._call(body)
        except (OSError, ValueError, HTTPException, subprocess.SubprocessError) as error:
            if not self._failed.is_set():
                self._failed.set()
                # Not the whole target, whose words may be secrets.
                where = urlsplit(self._url).hostname if self._url else self._command[0]
                LOG.warning("neuromf: a notice to %s failed (%s); further failures are not told", where, _told(error))

    def _post(self, body: bytes) -> None:
        head = {"Content-Type": "application/json", "User-Agent": "neuromf"}
        request = urllib.request.Request(self._url, data=body, headers=head, method="POST")
        with urllib.request.urlopen(request, timeout=self._timeout) as answer:
            answer.read(1)

    def _call(self, body: bytes) -> None:
        done = subprocess.run(
            self._command, input=body, timeout=self._timeout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise ValueError(f"exit code {done.returncode}")


def notice_of(event: Event, run: str) -> dict[str, object]:
    """What is sent: the event, and one sentence under the names that chat services read."""
    law = f", {event.law}" if event.law else ""
    sentence = printable(f"{run}: {event.level} at step {event.step}{law}: {event.message}")
    fields = {name: getattr(event, name) for name in ("step", "level", "law", "message", "value", "bound")}
    return {"run": run, **fields, "text": sentence, "content": sentence}


def _parsed(target: str | Sequence[str]) -> tuple[str, list[str]]:
    """The URL or the words of the command, the other one empty."""
    remedy = "give an http or https URL, or a command with its arguments"
    if isinstance(target, str) and "://" in target.split(" ", maxsplit=1)[0]:
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("is no URL that takes a notice", remedy=remedy, key="notify")
        return target, []
    try:
        words = shlex.split(target) if isinstance(target, str) else [str(word) for word in target]
    except ValueError as error:
        raise InputError(f"cannot be split into words ({error})", remedy=remedy, key="notify") from error
    if not words or not words[0]:
        raise InputError("is empty", remedy=remedy, key="notify")
    return "", words


def _told(error: Exception) -> str:
    """An error without the command's words."""
    if isinstance(error, subprocess.TimeoutExpired):
        return "no answer in time"
    detail = error if isinstance(error, ValueError) else getattr(error, "errno", None) or ""
    return f"{type(error).__name__} {detail}".strip()
