"""Damaged logs and logs of extreme numbers get an answer or one sentence, never a traceback or a warning."""

import random
import warnings

import numpy as np
import pytest

from neuromf.diagnosis.logs.diagnosed import diagnose_path
from neuromf.diagnosis.logs.document import log_document
from neuromf.diagnosis.logs.told import advice, told
from neuromf.diagnosis.logs.verdict import Health
from neuromf.errors import InputError
from neuromf.json_text import json_text
from tests.support.log_files import REAL

FILES = sorted(path for path in REAL.rglob("*") if path.is_file() and path.suffix not in (".md", ".yaml"))
EXTREME = ("", "nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "0", "-0.0", "1", "2", "x", '"')
NAMES = ("step", "epoch", "loss", "raw_loss", "weighted_loss", "grad_norm", "lr", "val_loss", "raw_loss_fm",
         "raw_loss_mf", "ch0", "ch1", "_timestamp", "time")  # fmt: skip


def answer(path):
    """The answer in all its forms, with every warning an error; None where the log is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            verdicts = diagnose_path(path)
        except InputError as error:
            return None if path.name in str(error) else [f"the file is not named: {error}"]
        lines = [line for verdict in verdicts for line in (*told(verdict), *advice(verdict))]
        json_text(log_document(verdicts))
    return lines


def damaged(content, draw):
    """A file cut at its end or its beginning, with bytes changed, with a stretch lost, or written twice."""
    first, second = sorted(draw.randrange(len(content)) for _ in range(2))
    changed = bytearray(content)
    for _ in range(10):
        changed[draw.randrange(len(content))] = draw.randrange(256)
    return draw.choice(
        [content[:second], content[first:], bytes(changed), content[:first] + content[second:], content * 2]
    )


@pytest.mark.parametrize("source", FILES, ids=lambda path: f"{path.parent.name}/{path.name[:20]}")
def test_a_damaged_file_gets_an_answer_or_a_sentence(tmp_path, source):
    """Twelve damages of each real log."""
    draw = random.Random(0)
    answers = []
    for place in range(12):
        path = tmp_path / f"{place}.{source.name}"
        path.write_bytes(damaged(source.read_bytes(), draw))
        answers.append(answer(path))
    assert len(answers) == 12
    assert all(lines is None or lines[0].startswith(str(tmp_path)) for lines in answers)


@pytest.mark.parametrize("seed", range(60))
def test_any_numbers_get_an_answer_or_a_sentence(tmp_path, seed):
    """Tables of infinite, tiny, huge and missing numbers under names that mean something."""
    draw = random.Random(seed)
    names = draw.sample(NAMES, draw.randrange(1, 9))
    cells = [*draw.sample(EXTREME, draw.randrange(1, 6)), str(draw.random())]
    rows = [names] + [
        [str(row) if name == "step" else draw.choice(cells) for name in names] for row in range(draw.randrange(1, 80))
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    lines = answer(path)
    assert lines is None or lines[0].startswith(str(path))


def test_a_million_rows_are_shown_to_the_guard_as_two_thousand_levels():
    """However long a log is, the guard hears at most some thousands of levels: the answer takes seconds."""
    from neuromf.diagnosis.logs.levels import MOST_LEVELS, levels_of
    from neuromf.diagnosis.logs.watched import watched
    from neuromf.logs.quantities import quantities
    from tests.support.log_files import run_log

    log = run_log(loss=np.geomspace(4, 1, 1_000_000))
    levels = levels_of(watched(log, quantities(log)), "step")
    assert MOST_LEVELS <= len(levels.totals) <= MOST_LEVELS + 2
    assert levels.steps[-1] == 999_999


def falling(count=60):
    """Lines of a healthy run."""
    return [f'{{"step": {step}, "loss": {1 / (1 + step / 20)}}}' for step in range(count)]


@pytest.mark.parametrize("line", ["[1]", "3", "null", '"x"'])
def test_a_line_that_is_no_object_is_left_out_and_said(tmp_path, line):
    """Whatever JSON it is."""
    lines = falling()
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join([*lines[:30], line, *lines[30:]]) + "\n")
    (verdict,) = diagnose_path(path)
    assert verdict.health is Health.HEALTHY
    assert "1 of 61 lines are no JSON object and were left out: 31." in verdict.log.notes


def test_a_number_that_only_python_reads_costs_no_line(tmp_path):
    """Nothing is said to be left out where nothing was."""
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join([*falling(), f'{{"step": 60, "loss": 0.25, "seed": 1{"0" * 400}}}']) + "\n")
    (verdict,) = diagnose_path(path)
    assert not [note for note in verdict.log.notes if "left out" in note]


@pytest.mark.parametrize("text", ["step;loss;lr\n" + "0,1.0,2\n" * 30, "step,loss\n0," + "9" * 5000 + "\n"])
def test_a_table_without_a_number_at_a_step_is_unreadable(tmp_path, text):
    """Rows of another delimiter than the header's, or a number cut in a huge line, leave nothing to judge."""
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"log.csv: holds no (number|column|row)"):
        diagnose_path(path)
