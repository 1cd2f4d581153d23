"""`neuromf train --notify`: a training that halts tells each alarm once, to a command and to a URL."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.support.forked_command import ForkedCommand
from tests.support.tiny_run import TINY, allow_blocked

HALTED = 16
"""Exit code of a training that its guard ends; see the table of exit codes."""
SETTINGS = allow_blocked(*TINY, "training.learning_rate=1000000000000.0")


@pytest.fixture
def server():
    """An address and the bodies posted to it."""
    posts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    serving = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}/hook", posts
    serving.shutdown()
    serving.server_close()


@pytest.mark.parametrize("kind", ["command", "url"])
def test_a_training_that_halts_tells_each_alarm_once(tmp_path, server, kind):
    """By law and level, the halt among them, and its exit code is that of a halt."""
    address, posts = server
    script, kept = tmp_path / "keep.py", tmp_path / "kept"
    script.write_text(
        f"import sys, uuid, pathlib\npathlib.Path({str(kept)!r}, uuid.uuid4().hex).write_text(sys.stdin.read())\n"
    )
    kept.mkdir()
    target = address if kind == "url" else f"{sys.executable} {script}"
    train = ["train", "smoke", "--out", tmp_path / "run", "--device", "cpu", *SETTINGS, "--notify", target]
    ended = ForkedCommand(train, tmp_path, os.environ)
    _, errors = ended.communicate(timeout=240)
    told = posts if kind == "url" else [json.loads(file.read_text()) for file in kept.iterdir()]
    pairs = [(notice["law"], notice["level"]) for notice in told]
    assert ended.returncode == HALTED, errors
    assert ("NUM-001", "halt") in pairs
    assert len(pairs) == len(set(pairs))
