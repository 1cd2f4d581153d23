"""`neuromf diagnose`: exit codes, what is printed, the JSON, the page, and following a log that grows."""

import json
import math
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import neuromf
from neuromf.diagnosis.logs.diagnosed import diagnose_path
from tests.support.command_line import run_command
from tests.support.log_files import REAL, csv_text, falling, lost_run_summary
from tests.support.reported_run import HALT, SELF_TEST, STEPS, WARNING, trace_rows, write_run


@pytest.fixture
def diagnose(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "diagnose", *arguments)


def write(folder, name, text):
    (folder / name).write_text(text)
    return name


CASES = {
    0: csv_text(step=range(100), loss=falling(100)),
    1: csv_text(step=range(100), loss=falling(100)[::-1] ** 4),
    2: "step,loss\n",
    3: csv_text(step=range(5), loss=falling(5)),
}


@pytest.mark.parametrize("code", CASES)
def test_the_exit_code_says_what_was_found(diagnose, tmp_path, code):
    """0 healthy, 1 alarms, 2 unreadable in one sentence, 3 cannot tell."""
    ended = diagnose(write(tmp_path, "log.csv", CASES[code]))
    assert ended.returncode == code
    assert len(ended.stderr.splitlines()) == (code == 2)
    assert ("log.csv" in ended.stdout) == (code != 2)


@pytest.mark.law("OBS-003")
@pytest.mark.parametrize(("codes", "code"), [((0, 3), 3), ((3, 1, 0), 1), ((0, 0), 0)])
def test_of_several_logs_the_worst_decides(diagnose, tmp_path, codes, code):
    """An alarm above a doubt, a doubt above none."""
    names = [write(tmp_path, f"log{place}.csv", CASES[each]) for place, each in enumerate(codes)]
    assert diagnose(*names).returncode == code


def test_the_lost_run_is_told_on_one_screen(diagnose, tmp_path):
    """Blindness, epoch, rule, saving, cause and what to log, each in words."""
    ended = diagnose(lost_run_summary(tmp_path))
    assert ended.returncode == 1
    for words in (
        "ALARMS since epoch 71 (GUARD-005, GUARD-001)",
        "could it be seen: no, loss_mean read 2 at all 225 points",
        "GUARD-005 would stop",
        "saved by the first stop: 45 % of what the log shows",
        "suspect: the time derivative du/dt",
        "log next time:",
    ):
        assert words in ended.stdout
    assert len(ended.stdout.splitlines()) < 50


def test_the_json_says_what_the_screen_says(diagnose, tmp_path):
    """And is what a strict parser reads, infinite numbers included."""
    loss = falling(200)
    loss[150:] = np.inf
    ended = diagnose(write(tmp_path, "log.csv", csv_text(step=range(200), loss=loss)), "--json")
    document = json.loads(ended.stdout)
    (run,) = document["runs"]
    assert (document["exit_code"], ended.returncode) == (1, 1)
    assert (run["health"], run["since"], run["stopped_at"], run["judged"]) == ("alarms", 150, 150, "loss")
    assert run["suspects"][0]["law"] == "NUM-001"
    assert run["columns"]["loss"] == {"source": "log.csv: loss", "points": 200}


def test_the_page_loads_nothing_and_shows_every_run(diagnose, tmp_path):
    """Charts, alarms and causes of each, in one file; another kind of file is not overwritten."""
    write(tmp_path, "good.csv", CASES[0])
    write(tmp_path, "a<b>.csv", CASES[1])
    assert diagnose("good.csv", "a<b>.csv", "--report", "page.html").returncode == 1
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") == 2
    assert "a&lt;b&gt;.csv" in page
    assert "a<b>" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "GUARD-001" in page
    refused = diagnose("good.csv", "--report", "good.csv")
    assert (refused.returncode, (tmp_path / "good.csv").read_text()) == (2, CASES[0])
    assert "--report" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--map", "raw_total"), "'raw_total' names no column"),
        (("--map", "raw=loss"), "'raw' is no quantity"),
        (("--map", "raw_total=los"), "has no column 'los'"),
        (("--map", "step=los"), "is no column of numbers"),
        (("--config", "absent.yaml"), "absent.yaml"),
        (("--interval", "nan"), "--interval"),
        (("--report", "absent/page.html"), "--report"),
    ],
)
def test_a_wrong_option_gets_one_sentence(diagnose, tmp_path, arguments, words):
    """Exit code 2, naming what is wrong."""
    ended = diagnose(write(tmp_path, "log.csv", CASES[0]), *arguments)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert words in ended.stderr


def test_a_mapped_column_is_judged(diagnose, tmp_path):
    """`--map` says what no name does."""
    text = csv_text(time_step=range(100), loss=falling(100), other=np.geomspace(1, 1e4, 100))
    write(tmp_path, "log.csv", text)
    assert diagnose("log.csv").returncode == 0
    ended = diagnose("log.csv", "--map", "raw_total=other", "--map", "step=time_step")
    assert ended.returncode == 1
    assert "as --map says" in ended.stdout or "Judged is other" in ended.stdout


def test_follow_ends_at_the_first_alarm(diagnose, tmp_path):
    """A log that breaks while it is followed ends the command with 1, and each new answer is told once."""
    path = tmp_path / "log.csv"
    path.write_text(CASES[0])

    def break_it():
        time.sleep(1.0)
        with path.open("a") as stream:
            stream.write("100,nan\n")

    writer = threading.Thread(target=break_it)
    writer.start()
    ended = diagnose("log.csv", "--follow", "--interval", "0.2")
    writer.join()
    assert ended.returncode == 1
    told = ended.stderr.splitlines()
    assert len(told) == 2
    assert "HEALTHY" in told[0]
    assert "ALARMS since step 100 (NUM-001)" in told[1]


def test_a_run_of_ours_is_judged_by_its_own_alarms(diagnose, tmp_path):
    """Its configuration and its events lie in its folder; a training of ours in which nothing is wrong is healthy."""
    assert diagnose(write_run(tmp_path / "sound")).returncode == 0
    ended = diagnose(write_run(tmp_path / "halted", events=(SELF_TEST, WARNING, HALT)))
    assert ended.returncode == 1
    assert "step 9, JVP-006 warns: the correction runs away" in ended.stdout
    assert "step 20, GUARD-001 would stop: raw loss 523 is 111 times its initial level" in ended.stdout


def test_a_run_of_ours_has_the_suspects_of_our_own_diagnosis(tmp_path):
    """By every step of its trace and its blocks' gradients, as `neuromf.diagnose` weighs them."""
    run = write_run(tmp_path / "run", rows=trace_rows(STEPS, 1.5), events=(SELF_TEST, HALT))
    (verdict,) = diagnose_path(run)
    assert verdict.suspects == neuromf.diagnose(run)
    assert len(verdict.suspects) > 0


@pytest.mark.law("OBS-003")
def test_the_record_of_a_loops_guard_is_judged_with_what_its_guard_heard(diagnose, tmp_path):
    """Its trace shows since when the loss rose; its events tell what no trace shows, such as a parameter at rest."""
    with neuromf.Guard(tmp_path / "loop") as guard:
        for step in range(200):
            guard.step((1.0 + 0.1 * math.sin(step)) * max(1.0, 1.2 ** (step - 150)))
    unseen = {**json.loads((tmp_path / "loop" / "events.jsonl").read_text().splitlines()[0]), "law": "OPT-002"}
    with (tmp_path / "loop" / "events.jsonl").open("a") as events:
        events.write(json.dumps({**unseen, "message": "2 parameters never moved"}) + "\n")
    ended = diagnose(tmp_path / "loop")
    assert ended.returncode == 1
    since = int(ended.stdout.split("ALARMS since step ")[1].split()[0])
    assert 150 <= since <= 160
    assert "GUARD-001 would stop" in ended.stdout
    assert "OPT-002 warns: 2 parameters never moved" in ended.stdout


def test_torch_is_not_loaded():
    """Neither for a table nor for TensorBoard's events nor for a configuration of ours."""
    paths = [REAL / "plain_broken.csv", REAL / "lightning_tensorboard_healthy", REAL / "transformers_healthy"]
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from neuromf.diagnosis.logs.diagnosed import diagnose_path\n"
        "from neuromf.diagnosis.logs.knowledge import knowledge_of\n"
        "known = knowledge_of('failed_225')\n"
        f"for path in {[str(path) for path in paths]}:\n    assert diagnose_path(Path(path), None, known)\n"
        "print([name for name in ('torch', 'tensorflow', 'monai') if name in sys.modules])\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
