"""Logs of every form are read into the same columns, and damaged ones to their last whole row."""

import json

import numpy as np
import pytest

from neuromf.errors import InputError
from neuromf.logs.readers.read import read_logs
from tests.support.log_files import REAL, csv_text, falling

LOSS = [3.5, 3.0, 2.25, 2.0, 1.75, 1.5]
STEPS = [0, 10, 20, 30, 40, 50]


def one(path, **options):
    (log,) = read_logs(path, **options)
    return log


def write(folder, name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table(**columns):
    return csv_text(step=STEPS, loss=LOSS, **columns)


def json_lines(**columns):
    names = {"step": STEPS, "loss": LOSS, **columns}
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in zip(*names.values(), strict=True))


FORMS = {
    "comma.csv": table(),
    "semicolon.csv": csv_text(";", step=STEPS, loss=[str(value).replace(".", ",") for value in LOSS]),
    "tab.tsv": csv_text("\t", step=STEPS, loss=LOSS),
    "spaces.txt": csv_text("  ", step=STEPS, loss=LOSS),
    "quoted.csv": csv_text(step=STEPS, loss=[f'"{str(value).replace(".", ",")}"' for value in LOSS]),
    "windows.csv": "\ufeff" + table().replace("\n", "\r\n"),
    "trailing.csv": table().replace("\n", ",\n").replace("loss,", "loss", 1),
    "lines.jsonl": json_lines(),
    "records.json": json.dumps([{"step": s, "loss": v} for s, v in zip(STEPS, LOSS, strict=True)], indent=1),
    "nested.jsonl": json_lines().replace('"loss":', '"other": {"deep": [1]}, "loss":'),
    "keras.json": json.dumps({"step": STEPS, "loss": LOSS}),
    "trainer_state.json": json.dumps(
        {"best_metric": None, "log_history": [{"step": s, "loss": v} for s, v in zip(STEPS, LOSS, strict=True)]},
        indent=2,
    ),
}


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_points(tmp_path, name):
    """The loss and its steps are those that were written, whatever the delimiter and the decimal sign."""
    log = one(write(tmp_path, name, FORMS[name]))
    assert log.axis == "step"
    np.testing.assert_array_equal(log.columns["loss"].steps, STEPS)
    np.testing.assert_array_equal(log.columns["loss"].values, LOSS)


@pytest.mark.parametrize(
    ("path", "column", "points"),
    [
        ("lightning_csv_healthy", "train_loss_step", 72),
        ("lightning_tensorboard_healthy", "train_loss_step", 120),
        ("transformers_healthy", "loss", 120),
        ("mlflow_healthy", "train/train_loss", 120),
    ],
)
def test_a_library_s_own_log_keeps_every_point(path, column, points):
    """As many points as the loop logged, once each; the second file of TensorBoard goes on where the first ended."""
    log = one(REAL / path)
    assert len(log.columns[column].steps) == points
    assert (np.diff(log.columns[column].steps) == 5).all()


@pytest.mark.law("OBS-002")
def test_holes_are_no_numbers(tmp_path):
    """A cell that is empty is a step without a point; a NaN that is written is a number."""
    cells = {"val_loss": ["", "", 2.5, "", "", 2.0], "rate": [1, "", 1, 1, 1, 1], "norm": [1, 1, "nan", 1, 1, 1]}
    log = one(write(tmp_path, "metrics.csv", table(**cells)))
    assert log.columns["val_loss"].steps.tolist() == [20, 50]
    assert log.columns["rate"].steps.tolist() == [0, 20, 30, 40, 50]
    assert np.isnan(log.columns["norm"].values).tolist() == [False, False, True, False, False, False]


def test_nan_in_every_other_cell_is_a_hole(tmp_path):
    """Some loggers write NaN where nothing was measured: with numbers behind them they are gaps."""
    log = one(write(tmp_path, "log.csv", table(val_loss=["nan", "nan", 2.5, "nan", "nan", 2.0])))
    assert log.columns["val_loss"].values.tolist() == [2.5, 2.0]


@pytest.mark.law("OBS-002")
def test_a_column_that_ends_in_nan_stays_broken(tmp_path):
    """A loss that is NaN from some step to the end is no column with holes."""
    broken = [3.5, 3.0, "nan", "nan", "nan", "nan"]
    log = one(write(tmp_path, "log.csv", csv_text(step=STEPS, loss=broken)))
    assert np.isnan(log.columns["loss"].values).tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("word", ["NaN", '"NaN"', "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_read(tmp_path, word):
    """Python writes NaN and Infinity into JSON, and W&B as text."""
    text = json_lines() + f'{{"step": 60, "loss": {word}}}\n{{"step": 70, "loss": 1.0}}\n{{"step": 80}}\n'
    column = one(write(tmp_path, "log.jsonl", text)).columns["loss"]
    assert column.steps.tolist() == [*STEPS, 60, 70]
    assert np.isfinite(column.values).tolist() == [True] * 6 + [False, True]


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("name", ["comma.csv", "semicolon.csv", "lines.jsonl", "records.json", "trainer_state.json"])
@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_log_cut_in_a_line_is_read_to_the_line_before(tmp_path, name, cut):
    """The last row may be half a number, and is left out; the reader is told."""
    text = FORMS[name].rstrip("\n")
    if name.endswith(".json"):
        text = text[: text.rindex("}", 0, text.rindex("]"))]
    log = one(write(tmp_path, name, text[:-cut]))
    assert log.columns["loss"].values.tolist() == LOSS[:-1]
    assert any("cut" in note for note in log.notes)


def test_an_event_file_cut_in_a_record_is_read_to_the_record_before(tmp_path):
    """As a process that was killed leaves it."""
    source = next((REAL / "lightning_tensorboard_healthy").glob("*.0"))
    whole = one(write(tmp_path, source.name, source.read_bytes())).columns["train_loss_step"]
    log = one(write(tmp_path, "cut." + source.name, source.read_bytes()[:6000]))
    found = log.columns["train_loss_step"]
    assert 10 < len(found.steps) < len(whole.steps)
    np.testing.assert_array_equal(found.values, whole.values[: len(found.values)])
    assert "cut short" in log.notes[0]


@pytest.mark.law("OBS-002")
def test_a_restart_replaces_the_steps_that_it_makes_again(tmp_path):
    """The run went to 50, was taken up at 25, and logged other steps from there on."""
    steps, loss = [*STEPS, 25, 35, 45, 55], [*LOSS, 9.0, 8.0, 7.0, 6.0]
    log = one(write(tmp_path, "log.csv", csv_text(step=steps, loss=loss)))
    assert log.columns["loss"].steps.tolist() == [0, 10, 20, 25, 35, 45, 55]
    assert log.columns["loss"].values.tolist() == [3.5, 3.0, 2.25, 9.0, 8.0, 7.0, 6.0]
    assert "taken up again at step 25" in log.notes[0]


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("header", [False, True])
def test_two_runs_in_one_file_are_two(tmp_path, header):
    """A step that goes back to the beginning begins another run, with its header once more or without."""
    again = table() if header else table().partition("\n")[2]
    logs = read_logs(write(tmp_path, "log.csv", table() + again.replace("3.5", "7.5")))
    assert [log.columns["loss"].values[0] for log in logs] == [3.5, 7.5]
    assert [len(log.columns["loss"].steps) for log in logs] == [6, 6]
    assert "run 2 of 2" in logs[1].name


def test_of_repeated_steps_the_last_row_is_taken(tmp_path):
    """Two processes that write the same step leave it twice; the reader is told how many."""
    text = csv_text(step=[0, 0, 10, 10, 20], loss=[4.0, 3.5, 3.0, 2.5, 2.0])
    log = one(write(tmp_path, "log.csv", text))
    assert log.columns["loss"].values.tolist() == [3.5, 2.5, 2.0]
    assert "2 steps that stand twice" in log.notes[0]


def test_rows_in_no_order_are_sorted(tmp_path):
    """As a history that several threads wrote."""
    steps = [0, 20, 10, 30, 50, 40, 70, 60, 90, 80]
    log = one(write(tmp_path, "log.csv", csv_text(step=steps, loss=[100 - step for step in steps])))
    assert log.columns["loss"].steps.tolist() == sorted(steps)
    assert log.columns["loss"].values.tolist() == [100 - step for step in sorted(steps)]
    assert "sorted" in log.notes[0]


def test_batches_that_begin_anew_each_epoch_number_no_rows(tmp_path):
    """Neither epoch nor batch counts through the log: the rows are counted, and that is said."""
    text = csv_text(epoch=[e for e in range(6) for _ in range(5)], batch=list(range(5)) * 6, loss=falling(30))
    log = one(write(tmp_path, "log.csv", text))
    assert log.axis == "row"
    assert log.columns["loss"].steps.tolist() == list(range(30))
    assert "--map step=COLUMN" in log.notes[0]


def test_a_row_an_epoch_is_an_axis_of_epochs(tmp_path):
    """And the steps of an epoch are read off the steps beside it."""
    log = one(
        write(tmp_path, "log.csv", csv_text(epoch=range(6), global_step=[30 * (e + 1) for e in range(6)], loss=LOSS))
    )
    assert (log.axis, log.steps_per_epoch) == ("epoch", 30)


def test_the_axis_is_the_column_that_the_user_names(tmp_path):
    """Whatever its name."""
    path = write(tmp_path, "log.csv", csv_text(tokens=[7, 14, 21, 28, 35, 42], loss=LOSS))
    assert one(path, axis="tokens").columns["loss"].steps.tolist() == [7, 14, 21, 28, 35, 42]
    with pytest.raises(InputError, match="token: is no column of numbers"):
        read_logs(path, axis="token")


@pytest.mark.parametrize(("name", "kind"), [("current_epoch", "epoch"), ("Epoch", "epoch"), ("tokens", "step")])
def test_a_named_column_of_epochs_is_an_axis_of_epochs(tmp_path, name, kind):
    """Any other column that the user names counts steps."""
    path = write(tmp_path, "log.csv", csv_text(**{name: STEPS, "loss": LOSS}))
    assert one(path, axis=name).axis == kind


def test_a_line_of_more_cells_is_left_out_and_told(tmp_path):
    """The rest of the table is read, and its blank lines are none that were left out."""
    whole = table()
    longer = whole.replace("20,2.25", "20,2.25,7")
    log = one(write(tmp_path, "log.csv", longer))
    assert log.columns["loss"].values.tolist() == [value for value in LOSS if value != 2.25]
    assert log.notes == ("1 of its lines have another number of cells than the header and were left out.",)
    assert one(write(tmp_path, "blank.csv", whole.replace("20,2.25", "\n20,2.25"))).notes == ()


def test_a_panel_exported_from_wandb_is_a_log_a_run(tmp_path):
    """Each run gets the plain name of its metric; the ranges of smoothed points are left out."""
    columns = {"Step": STEPS}
    for run, factor in (("good", 1), ("bad", 2)):
        columns |= {f"{run} - train/loss{end}": [factor * value for value in LOSS] for end in ("", "__MIN", "__MAX")}
    logs = read_logs(write(tmp_path, "wandb_export.csv", csv_text(**columns)))
    assert [list(log.columns) for log in logs] == [["train/loss"], ["train/loss"]]
    assert [log.columns["train/loss"].values[0] for log in logs] == [3.5, 7.0]
    assert logs[0].name.endswith(", good")


def test_the_clock_of_a_log_is_in_seconds(tmp_path):
    """By a stamp of seconds or milliseconds, by seconds since the start, or by those of each row."""
    for name, cells in (
        ("timestamp", [1.7e9 + s for s in STEPS]),
        ("_timestamp", [1.7e12 + 1000 * s for s in STEPS]),
        ("_runtime", STEPS),
        ("epoch_time_sec", [0, 10, 10, 10, 10, 10]),
    ):
        clock = one(write(tmp_path, "log.csv", table(**{name: cells}))).clock
        assert clock.values.tolist() == STEPS, name


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("empty.csv", "", "is empty"),
        ("header.csv", "step,loss\n", "holds no row"),
        ("words.csv", "a,b\nx,y\nz,w\n", "no column of numbers"),
        ("numbers.csv", "1,2\n3,4\n5,6\n", "has no header"),
        ("one.txt", "hello", "not a table"),
        ("binary.csv", b"\x00\x01\x02\x03" * 40, "is no text"),
        ("broken.json", "[1, 2", "holds no records"),
        ("scalar.json", '{"a": 1,\n"b": 2}', "holds no records"),
        ("deep.json", "[" * 100_000, "too deep"),
        ("lines.jsonl", "{oops}\n{again}\n", "no line of JSON"),
        ("run.wandb", b"W&B", "W&B's own binary form"),
        ("events.out.tfevents.1", b"", "holds no scalar"),
        ("events.out.tfevents.2", b"no events at all, but a text", "holds no scalar"),
    ],
)
def test_what_is_no_log_gets_one_sentence(tmp_path, name, text, words):
    """With the file in it and what to do."""
    with pytest.raises(InputError) as caught:
        read_logs(write(tmp_path, name, text))
    assert words in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_path_without_a_log_gets_one_sentence(tmp_path, name):
    """A file that is not there, and a folder with nothing in it."""
    with pytest.raises(InputError, match=r"is not there|no log of a known kind"):
        read_logs(tmp_path / name)


@pytest.mark.parametrize("nested", [False, True])
def test_a_folder_of_runs_is_a_log_a_run(tmp_path, nested):
    """As Lightning numbers them, and as MLflow keeps an experiment."""
    kinds = ("lightning_csv_healthy", "lightning_csv_broken") if nested else ("mlflow_healthy", "mlflow_broken")
    for place, kind in enumerate(kinds):
        (tmp_path / f"version_{place}").symlink_to(REAL / kind)
    assert len(read_logs(tmp_path)) == 2


def test_files_side_by_side_are_one_run(tmp_path):
    """Keras writes the scalars of training and validation into folders beside each other."""
    (tmp_path / "train").symlink_to(REAL / "lightning_tensorboard_healthy")
    (tmp_path / "validation").symlink_to(REAL / "lightning_tensorboard_healthy")
    log = one(tmp_path)
    assert {"train/train_loss_step", "validation/val_loss"} <= set(log.columns)
