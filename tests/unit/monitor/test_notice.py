"""Alarms that reach people: by a command or a URL, once, in time, and without a shell."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from neuromf.any_loop.guard import Guard
from neuromf.errors import InputError
from neuromf.monitor.events import Event
from neuromf.monitor.notice import Notifier
from tests.support.command_line import run_command
from tests.support.fake_run import FakeRun

ALARM = Event(step=7, level="halt", law="NUM-001", message="loss nan", value="nan", bound="finite")


def writes(path):
    """A command that appends its standard input to a file, as words."""
    code = f"import sys; open({str(path)!r}, 'a').write(sys.stdin.read() + chr(10))"
    return [sys.executable, "-c", code]


@pytest.fixture
def server():
    """Posts that came in: path, type and body."""
    posts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(500 if self.path.startswith("/broken") else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    serving = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}", posts
    serving.shutdown()
    serving.server_close()


def test_a_command_gets_the_alarm_as_json(tmp_path):
    """On its standard input, with a sentence under the names that chat services read."""
    notifier = Notifier(writes(tmp_path / "told"), "run 3")
    assert notifier.tell(ALARM)
    notifier.settle()
    told = json.loads((tmp_path / "told").read_text())
    assert told["text"] == told["content"] == "run 3: halt at step 7, NUM-001: loss nan"
    assert {name: told[name] for name in ("run", "step", "level", "law", "value", "bound")} == {
        "run": "run 3", "step": 7, "level": "halt", "law": "NUM-001", "value": "nan", "bound": "finite",
    }  # fmt: skip


def test_a_url_gets_the_alarm_as_json(server):
    """By a POST."""
    address, posts = server
    notifier = Notifier(f"{address}/hook?key=1", "run")
    notifier.tell(ALARM)
    notifier.settle()
    assert [(path, kind, body["law"]) for path, kind, body in posts] == [("/hook?key=1", "application/json", "NUM-001")]


def test_a_notice_is_sent_once_by_law_and_level(tmp_path):
    """A later step with the same alarm is no news, another level is; what only informs is not sent."""
    notifier = Notifier(writes(tmp_path / "told"), "run")
    warned, informed = (Event(step=9, level=level, law="NUM-001", message="m") for level in ("warn", "info"))
    later = Event(step=8, level="halt", law="NUM-001", message="m")
    assert [notifier.tell(event) for event in (ALARM, later, warned, informed)] == [True, False, True, False]
    notifier.settle()
    assert len((tmp_path / "told").read_text().split("\n")) == 3
    assert not Notifier(writes(tmp_path / "told"), "run", known=[ALARM]).tell(ALARM)


def test_no_shell_reads_a_command(tmp_path):
    """What a shell would run, expand or redirect is a word like any other."""
    marker = tmp_path / "injected"
    ran = tmp_path / "ran"
    script = tmp_path / "script.py"
    script.write_text(f"import sys, pathlib; pathlib.Path({str(ran)!r}).write_text(repr(sys.argv[1:]))")
    notifier = Notifier(f"{sys.executable} {script} $HOME; touch {marker} `id` > {marker}", "run; touch x")
    notifier.tell(ALARM)
    notifier.settle()
    assert ran.read_text() == repr(["$HOME;", "touch", str(marker), "`id`", ">", str(marker)])
    assert not marker.exists()


def test_a_notice_delays_nothing_and_is_ended_in_time(caplog):
    """The call returns at once; the command has as long as it is given."""
    notifier = Notifier([sys.executable, "-c", "import time; time.sleep(60)"], "run", timeout=6.0)
    began = time.monotonic()
    notifier.tell(ALARM)
    called = time.monotonic() - began
    notifier.settle()
    settled = time.monotonic() - began
    # Sixty seconds would be waited for otherwise; a busy machine may take some to start a thread.
    assert called < 5
    assert settled < 20
    assert "no answer in time" in caplog.text


FAILING = ("/no/such/command --now", [sys.executable, "-c", "raise SystemExit(3)"], "/broken", "http://127.0.0.1:9/x")


@pytest.mark.parametrize("target", FAILING)
def test_a_notice_that_fails_is_told_once(target, server, caplog):
    """And stops nothing; secrets in a target are not told."""
    address, _ = server
    target = f"{address}{target}?token=secret" if target == "/broken" else target
    notifier = Notifier(target, "run", timeout=5)
    for level in ("halt", "warn"):
        notifier.tell(Event(step=1, level=level, law="X", message="m"))
        notifier.settle()
    said = [record.getMessage() for record in caplog.records if record.name == "neuromf"]
    assert len(said) == 1
    assert "further failures are not told" in said[0]
    assert "secret" not in said[0]
    assert "--now" not in said[0]


@pytest.mark.parametrize("target", ["", "  ", [], [""], "ftp://host/x", "file:///etc/passwd", "http://", "say 'open"])
def test_a_target_that_is_none_is_refused(target):
    """Before the training begins."""
    with pytest.raises(InputError, match="notify"):
        Notifier(target, "run")


def test_a_guard_sends_what_is_new(tmp_path):
    """Once, though the loop goes on."""
    with Guard(notify=writes(tmp_path / "told")) as guard:
        for _ in range(3):
            guard.step(float("nan"))
    lines = (tmp_path / "told").read_text().split("\n")
    assert json.loads(lines[0])["law"] == "NUM-001"
    assert lines[1:] == [""]


def test_a_watch_sends_alarms_and_that_a_run_is_silent(tmp_path, monkeypatch, capsys):
    """A run that was killed cannot say so itself."""
    run = FakeRun(tmp_path / "run")
    run.write(30)
    run.tell(level="warn", law="WGT-002")
    run.took(0.5, 30, ago=4000.0)
    script = tmp_path / "script.py"
    script.write_text(writes(tmp_path / "told")[2])
    ended = run_command(monkeypatch, capsys, "watch", run.root, "--once", "--notify", f"{sys.executable} {script}")
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert ended.returncode == 1
    assert sorted((notice["law"], notice["level"]) for notice in told) == [("", "halt"), ("WGT-002", "warn")]
    assert all(notice["run"] == os.path.realpath(run.root) for notice in told)


def test_a_watch_with_a_target_that_is_none_ends_with_two(tmp_path, monkeypatch, capsys):
    """In one sentence."""
    run = FakeRun(tmp_path / "run")
    ended = run_command(monkeypatch, capsys, "watch", run.root, "--once", "--notify", "ftp://x")
    assert ended.returncode == 2
    assert "http" in ended.stderr
