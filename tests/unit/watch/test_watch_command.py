"""`neuromf watch` as a user and a script call it."""

import io
import json

import pytest
import torch
from rich.console import Console

from neuromf.cli import watch as command
from neuromf.readable import printable
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.watch.screen import screen
from neuromf.watch.watcher import SHOWN, Watcher
from tests.support.command_line import run_command
from tests.support.tiny_run import make_tiny_config


@pytest.fixture
def neuromf(monkeypatch, capsys):
    return lambda *arguments: run_command(monkeypatch, capsys, *arguments)


@pytest.fixture
def at_each_look(monkeypatch):
    """What happens to the run while the command waits; with nothing left to happen, the user presses Ctrl-C."""
    happenings = []

    def sleep(seconds):
        if not happenings:
            raise KeyboardInterrupt
        happenings.pop(0)()

    monkeypatch.setattr(command.time, "sleep", sleep)
    return happenings


@pytest.mark.parametrize("width", [80, 200])
def test_everything_is_on_the_screen_at_any_width(run, width):
    """State, steps, each quantity and the alarm with law, value and bound; no line is wider than the terminal."""
    run.write(30, w_sat=1.0)
    run.tell(law="JVP-006", step=12, value="4.2 of the velocity", bound="<= 3")
    out = io.StringIO()
    Console(file=out, width=width).print(screen(Watcher(run.root).look(), "run"))
    text = out.getvalue()
    for words in ("running", "step 30 of 60 (50.0 %)", "ago", "saturated in 100 %", *SHOWN):
        assert words in text
    assert "at step 12, law JVP-006" in text
    assert "4.2 of the velocity" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= width


def test_only_the_last_alarms_are_shown_and_the_others_counted(run):
    """Five of seven, the newest last."""
    run.write(5)
    for step in range(7):
        run.tell(step=step)
    out = io.StringIO()
    Console(file=out, width=80).print(screen(Watcher(run.root).look(), "run"))
    assert "7 alarms, the last 5:" in out.getvalue()
    assert [line.split(",")[0] for line in out.getvalue().splitlines() if line.startswith("warn")] == [
        f"warn at step {step}" for step in range(2, 7)
    ]


@pytest.mark.parametrize(
    ("event", "code", "words"),
    [
        (None, 0, "running"),
        ({"level": "halt", "law": "GUARD-005"}, 16, "exit code 16"),
        ({"level": "halt", "law": "NUM-002"}, 17, "exit code 17"),
    ],
)
def test_once_ends_as_the_run_stands(run, neuromf, event, code, words):
    """One status and the training's own exit code."""
    run.write(5)
    if event:
        run.tell(**event)
    shown = neuromf("watch", run.root, "--once")
    assert (shown.returncode, shown.stderr) == (code, "")
    assert words in shown.stdout


def test_once_tells_a_script_that_a_run_is_dead(run, neuromf):
    """A run that neither writes nor ended is exit code 1."""
    run.write(5)
    run.silent_for(3600)
    assert neuromf("watch", run.root, "--once").returncode == 1


def test_json_holds_what_the_screen_shows(run, neuromf):
    """A document that strict parsers read, also where a loss is NaN."""
    run.write(5, raw_total=float("nan"))
    run.tell()
    document = json.loads(neuromf("watch", run.root, "--json").stdout, parse_constant=pytest.fail)
    assert (document["state"], document["step"], document["total"]) == ("running", 5, 60)
    assert document["quantities"]["raw_total"]["last"] == "nan"
    assert document["quantities"]["weighted"]["start"] == 2.0
    assert document["alarms"][0]["law"] == "WGT-002"


def test_a_pipe_gets_a_line_for_each_look_with_news_until_the_end(run, neuromf, at_each_look):
    """No trace yet, rows, nothing new, an alarm, the last step: each is said once."""
    at_each_look += [
        lambda: run.write(3),
        lambda: None,
        lambda: (run.tell(step=3), run.write(4, first=3)),
        lambda: run.write(60, first=4),
    ]
    shown = neuromf("watch", run.root)
    assert shown.returncode == 0
    heads = [line.split(" (")[0].split(",")[0] for line in shown.stdout.splitlines()]
    assert heads == [
        "running: step 0 of 60", "running: step 3 of 60", "warn at step 3", "running: step 4 of 60",
        "finished: step 60 of 60", "finished: all steps are done",
    ]  # fmt: skip
    assert "recent" in shown.stdout


def test_a_terminal_is_drawn_anew_until_the_halt(run, neuromf, at_each_look, monkeypatch):
    """The live screen follows the run and ends with it, with its exit code."""
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=80, height=50)
    monkeypatch.setattr("neuromf.cli.console.make_console", lambda: terminal)
    at_each_look += [lambda: run.write(3), lambda: run.tell(level="halt", law="GUARD-001")]
    assert neuromf("watch", run.root).returncode == 16
    for words in ("step 0 of 60", "step 3 of 60", "stopped by law GUARD-001"):
        assert words in out.getvalue()


def test_the_user_may_stop_looking(run, neuromf, at_each_look):
    """Ctrl-C is no fault: exit code 0 and nothing on standard error."""
    run.write(3)
    shown = neuromf("watch", run.root)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_a_resume_is_followed(run, neuromf, at_each_look):
    """A run that goes back to its checkpoint is shown going back."""
    run.write(12)
    at_each_look += [lambda: run.write(11, first=10)]
    steps = [line.split(" of ")[0] for line in neuromf("watch", run.root).stdout.splitlines()]
    assert steps == ["running: step 12", "running: step 11"]


@pytest.mark.parametrize(
    ("options", "words"), [((), "holds no run"), (("--interval", "nan"), "--interval"), (("--interval", "0"), "give")]
)
def test_nonsense_is_one_sentence_and_exit_code_2(tmp_path, run, neuromf, options, words):
    """A folder that is none, or an interval that is none."""
    refused = neuromf("watch", run.root if options else tmp_path / "none", *options)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_trace_of_another_program_is_exit_code_2(run, neuromf):
    """The run's trace must be a trace."""
    run.append("epoch,loss\n1,2\n")
    refused = neuromf("watch", run.root, "--once")
    assert refused.returncode == 2
    assert "trace.csv" in refused.stderr


def test_looking_writes_nothing(run, neuromf):
    """A watched run is left as it is."""
    run.write(5)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in run.root.rglob("*"))
    neuromf("watch", run.root, "--once")
    assert sorted((path.name, path.stat().st_mtime_ns) for path in run.root.rglob("*")) == before


def test_a_message_cannot_steer_the_terminal():
    """Escapes and line ends of a file are shown, not sent."""
    assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"


def test_a_real_training_is_watched_to_its_end(tmp_path, neuromf):
    """The files of the trainer itself: paused after one of three steps, then finished."""
    config = make_tiny_config("training.epochs=1")
    latents = torch.randn((3, 4, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    folder = create_run(tmp_path / "run", config, "0" * 64)
    train(config, latents, folder, device=torch.device("cpu"), max_steps=1)
    paused = json.loads(neuromf("watch", folder.root, "--json").stdout)
    assert (paused["state"], paused["step"], paused["total"]) == ("paused", 1, 3)
    assert paused["quantities"]["raw_total"]["last"] > 0
    train(config, latents, folder, device=torch.device("cpu"), resume=True)
    finished = neuromf("watch", folder.root, "--json")
    assert (finished.returncode, json.loads(finished.stdout)["state"]) == (0, "finished")
