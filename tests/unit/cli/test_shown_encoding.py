"""What is shown while scans are encoded or tried can be read and is true, however it goes and files are named."""

import numpy as np
import pytest

from neuromf.cli.check_vae import _table
from neuromf.cli.encoding import Pace, encoding_shown
from neuromf.config import load_config
from neuromf.data.demo import build_demo_cohort
from neuromf.data.reconstruction import Reconstruction
from neuromf.data.similarity import Similarity
from neuromf.training.latents import autoencoder_check
from neuromf.training.latents.frozen import begin
from tests.support.command_line import run_command


@pytest.mark.parametrize(
    ("done", "said"),
    [(11, "10 scans a minute, 60 s left"), (1414, "1,413 scans a minute"), (84_801, "84,800 scans a minute")],
)
def test_a_speed_has_no_exponent(done, said):
    """A minute after the first scan."""
    times = iter([0.0, 60.0])
    pace = Pace(clock=lambda: next(times))
    assert pace.note(1, 100_000) == ""
    assert pace.note(done, done + 10).startswith(said)


def test_the_worst_scans_are_told_apart_where_all_files_have_one_name():
    """FOMO-60K calls each t1.nii.gz: the scan's id names data set, subject and visit."""
    names = ["PT001_SET_sub_1_ses_1_t1", "PT001_SET_sub_2_ses_1_t1"]
    part, empty = Similarity(25.0, 0.9, 0.9), np.zeros((16, 16, 16), np.float32)
    made = [Reconstruction(name, {"head": part}, 20.0, empty, empty) for name in names]
    assert _table(made)[-2:] == [f"   25.00 dB  {name}" for name in names]


@pytest.fixture
def stages():
    """What is shown of three looks and then of two encodings, a minute each, where no terminal is."""

    def show():
        times = (60.0 * minute for minute in range(100))
        with encoding_shown(clock=lambda: next(times)) as shown:
            for done in (1, 2, 3):
                shown.looked(done, 3)
            for done in (1, 2, 3):
                shown.encoded(done, 3)

    return show


def test_a_log_gets_each_line_once(stages, capsys):
    """Standard output and standard error often go into one file; a bar's last state would be a second line there."""
    stages()
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if line.startswith("3 of 3 scans done")] == [out.splitlines()[-1]]
    assert err == ""


def test_a_log_tells_of_the_end_what_is_over(stages, capsys):
    """No time is left then."""
    stages()
    assert "left" not in capsys.readouterr().out.splitlines()[-1]


def test_a_look_at_scans_is_not_called_an_encoding(stages, capsys):
    """Scans are read before any is encoded, and often none has to be."""
    stages()
    looked = [line for line in capsys.readouterr().out.splitlines() if line.startswith("looked at")]
    assert looked[0].startswith("looked at 2 of 3 scans")


@pytest.mark.law("OBS-002")
def test_a_cohort_that_is_encoded_is_not_said_to_be_encoded_again(tmp_path, monkeypatch):
    """Nothing is done, so that nothing is counted: not on the console, and not in the file of progress."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    build_demo_cohort(tmp_path / "scans", 2, 0)
    settings = ["data.source=folder", f"data.root={tmp_path / 'scans'}", "data.shape=[16,16,16]"]
    counted, looked = [], []
    config = load_config(["smoke"], settings)
    for _ in range(2):
        begin(
            config, lambda done, total: counted.append(done), on_look=lambda done, total: looked.append(done)
        )  # fmt: skip
    assert counted == [1, 2]
    assert looked == [1, 2] * 3  # each time for its hash, and before the first encoding for what may be wrong with it


@pytest.mark.parametrize(
    ("out", "words"), [("worst.txt", "is no name of a picture"), ("nowhere/worst.png", "cannot be written")]
)
def test_a_picture_that_cannot_be_written_is_refused_at_once(monkeypatch, capsys, tmp_path, out, words):
    """That takes minutes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(autoencoder_check, "check_autoencoder", lambda *_: pytest.fail("scans were tried"))
    ended = run_command(monkeypatch, capsys, "data", "check-vae", "smoke", "--out", out)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert not list(tmp_path.iterdir())
