"""A worker process: tasks come in on standard input, answers go out on standard output, a line of JSON each.

It ends with its bisect: when standard input closes, for the bisect was killed, nobody would read the answer.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any

from neuromf.bisect.fleet.messages import line, reply


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
