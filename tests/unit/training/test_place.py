"""The place among torchrun's processes: what another launch left in the environment is told, never waited for."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.errors import InputError
from neuromf.training.process_group.place import NEEDED, Place, launched_place
from tests.support.tiny_run import TINY, allow_blocked

WHOLE = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    for name in WHOLE:
        monkeypatch.delenv(name, raising=False)


def put(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_what_torchrun_sets_is_the_place(monkeypatch):
    """All five variables."""
    put(monkeypatch, WHOLE)
    assert launched_place() == Place(1, 2, 1)
    assert not launched_place().speaks


@pytest.mark.parametrize(
    "left", [{}, {"WORLD_SIZE": ""}, {"WORLD_SIZE": "1"}, {"WORLD_SIZE": "", "RANK": "3"}, {"RANK": "x"}], ids=str
)
def test_a_process_is_alone_where_no_size_is_said(monkeypatch, left):
    """And is the one that speaks and writes, whatever rank something else has set."""
    put(monkeypatch, left)
    assert launched_place() == Place()
    assert launched_place().speaks


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORLD_SIZE", "x"), ("WORLD_SIZE", "0"), ("WORLD_SIZE", "-1"), ("WORLD_SIZE", "2.0"), ("WORLD_SIZE", "\u0662"),
        ("WORLD_SIZE", "9" * 5000), ("RANK", "2"), ("RANK", "x"), ("LOCAL_RANK", "-1"), ("MASTER_PORT", "http"),
        ("MASTER_PORT", "65536"),
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_a_sentence_that_names_it(monkeypatch, name, value):
    """With the way out."""
    put(monkeypatch, WHOLE | {name: value})
    with pytest.raises(InputError, match="unset WORLD_SIZE") as caught:
        launched_place()
    assert caught.value.key == name


@pytest.mark.parametrize("missing", NEEDED)
@pytest.mark.parametrize("empty", [True, False])
def test_a_place_half_said_names_what_is_missing(monkeypatch, missing, empty):
    """Without MASTER_ADDR torch would end in a traceback, with a stale one it would wait."""
    put(monkeypatch, {name: value for name, value in WHOLE.items() if name != missing})
    if empty:
        monkeypatch.setenv(missing, "")
    with pytest.raises(InputError, match=f"is 2, but {missing} is not set; `unset WORLD_SIZE`"):
        launched_place()


@pytest.mark.parametrize("left", [{"WORLD_SIZE": "x"}, {"WORLD_SIZE": "2"}])
def test_a_training_with_a_stale_size_is_refused_before_anything_else(tmp_path, monkeypatch, left):
    """Also with --resume, which asks no gate."""
    put(monkeypatch, left)
    for more in ([], ["--resume"]):
        train = ["train", "smoke", "--out", str(tmp_path / "run"), *allow_blocked(*TINY), *more]
        refused = CliRunner().invoke(app, train).exception
        assert isinstance(refused, InputError)
        assert "unset WORLD_SIZE" in str(refused)
