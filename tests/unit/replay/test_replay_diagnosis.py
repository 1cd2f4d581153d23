"""The replay's last word: what the lost run points to."""

import pandas as pd
import pytest
from neuromf_spec.reference.failed_run import RECORDED_CHANNELS

from neuromf.checkout import golden_folder
from neuromf.cli.explanation import SUSPECTS, suspect_lines
from neuromf.diagnosis.diagnosis import Suspect
from neuromf.replay.diagnosis import suspects_of_curve, suspects_of_record
from neuromf.replay.recorded import RUNS
from tests.support.command_line import run_command

DERIVATIVE = ("the time derivative du/dt", "JVP-003")


def trained(epochs, repair="none", seed=0):
    """A kept curve of a small training with the lost run's settings and one repair."""
    with golden_folder().joinpath(f"replay/epochs{epochs}/{repair}.seed{seed}.csv").open() as stream:
        return pd.read_csv(stream, index_col="epoch")


def test_the_record_names_the_time_derivative_first():
    """Five epochs of channel losses and the configuration are enough; the review's causes come after it."""
    first, *others = suspects_of_record(RUNS["failed_225"])
    assert (first.name, first.law) == DERIVATIVE
    assert first.score > 0.97
    assert all(suspect.score < 0.5 for suspect in others)


def test_records_carry_the_names_of_a_trace_and_nothing_else():
    """Channels and the weighted loss; the spread of an epoch is no column of a step."""
    records = RUNS["failed_225"].records
    assert {int(r["epoch"]): tuple(r[f"raw_ch{c}"] for c in range(4)) for r in records} == RECORDED_CHANNELS
    assert {tuple(record) for record in records} == {("epoch", *(f"raw_ch{c}" for c in range(4)), "weighted")}


def test_a_run_without_a_configuration_is_not_diagnosed():
    """Of the next run no recipe is shipped, and a curve alone tells no cause."""
    assert suspects_of_record(RUNS["public_v1"]) == []


@pytest.mark.parametrize(("epochs", "seed"), [(225, 0), (60, 0), (60, 1), (60, 2)])
def test_the_run_trained_again_names_the_time_derivative_first(epochs, seed):
    """Each kept training with the lost run's settings, whatever its length and seed."""
    first = suspects_of_curve(trained(epochs, seed=seed), epochs)[0]
    assert (first.name, first.law) == DERIVATIVE


def test_a_healthy_curve_has_no_suspect():
    """The lost run's settings are not suspected where the curve is that of a training which was healed."""
    assert suspects_of_curve(trained(60, "exact_jvp_and_time_scale"), 60) == []


def test_the_replay_ends_with_the_diagnosis(tmp_path, monkeypatch, capsys):
    """The command's last lines are the suspects, the derivative first."""
    shown = run_command(monkeypatch, capsys, "replay", "failed_225", "--out", tmp_path / "out")
    suspects = [line for line in shown.stdout.splitlines() if line.startswith("suspect: ")]
    assert suspects[0].startswith("suspect: the time derivative du/dt (JVP-003, score 0.98)")
    assert shown.stdout.splitlines()[-1].startswith("  try: ")


def test_a_replay_without_a_diagnosis_says_nothing_of_suspects(tmp_path, monkeypatch, capsys):
    """The picture is the next run's last line."""
    shown = run_command(monkeypatch, capsys, "replay", "public_v1", "--out", tmp_path / "out")
    assert shown.stdout.splitlines()[-1].startswith("picture: ")
    assert "points to" not in shown.stdout


def test_the_likeliest_are_printed_with_both_sides_of_the_evidence():
    """Three of four, each with what speaks for and against it and what to try."""
    suspects = [
        Suspect(f"cause {n}", "NUM-001", 1 / (n + 2), (f"for {n}",), (f"against {n}",), "Do.") for n in range(4)
    ]
    lines = list(suspect_lines(suspects))
    assert lines[:4] == ["suspect: cause 0 (NUM-001, score 0.50)", "  for: for 0", "  against: against 0", "  try: Do."]
    assert len(lines) == 4 * SUSPECTS
