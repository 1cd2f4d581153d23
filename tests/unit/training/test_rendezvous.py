"""Processes that are to meet and do not: told in a sentence after a short while, as what another launch left may be."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import distributed

from neuromf.errors import InputError
from neuromf.training.process_group import rendezvous
from neuromf.training.process_group.rendezvous import MEETING
from neuromf.training.process_group.start import PATIENCE, process_group

ROOT = Path(__file__).parents[3]
SOON = timedelta(seconds=1)


@pytest.fixture
def left_over(monkeypatch):
    """A complete set of variables from a launch that is over; nothing listens at its port."""
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def refusal():
    with pytest.raises(InputError) as caught, process_group(torch.device("cpu"), meeting=SOON):
        pytest.fail("met nobody")
    assert not distributed.is_initialized()
    return caught.value


@pytest.mark.parametrize("rank", ["0", "1"])
def test_variables_of_another_launch_are_told_and_not_waited_for(monkeypatch, left_over, rank):
    """Whether this process would wait to be called or call in vain; with every variable and the way out."""
    monkeypatch.setenv("RANK", rank)
    began = time.monotonic()
    error = refusal()
    assert time.monotonic() - began < 30
    assert error.key == "WORLD_SIZE"
    for words in (f"RANK is {rank}", f"MASTER_ADDR:MASTER_PORT, 127.0.0.1:{left_over['MASTER_PORT']}"):
        assert words in error.problem
    assert "TORCHELASTIC_RUN_ID, which torchrun sets, is not set" in error.problem
    assert "left over from another launch" in error.problem
    assert "`unset WORLD_SIZE`" in error.remedy
    assert "\n" not in error.sentence


def test_under_torchrun_nothing_is_called_left_over(monkeypatch, left_over):
    """There another process is what is amiss."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    error = refusal()
    assert "left over" not in error.problem
    assert "see what the other processes said" in error.remedy


def test_another_program_at_the_port_is_not_waited_for(monkeypatch, left_over):
    """It takes the call and never answers."""
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(rendezvous, "SLACK_S", 1.0)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", int(left_over["MASTER_PORT"])))
        deaf.listen()
        assert "did not meet" in refusal().problem


def test_a_port_that_is_taken_is_told_at_once(left_over):
    """Rank 0 cannot be called there."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(left_over["MASTER_PORT"])))
        other.listen()
        assert "EADDRINUSE" in refusal().problem


MEET = """
import os, sys, time, torch
from datetime import timedelta
from torch import distributed
from neuromf.training.process_group.start import process_group
with process_group(torch.device("cpu"), meeting=timedelta(seconds=20)) as group:
    if group.rank == 0:
        time.sleep(3)
    store = distributed.distributed_c10d._get_default_store()
    print(group.run_on_rank_zero(lambda: "late"), store.timeout.total_seconds())
"""


def test_those_that_met_wait_for_each_other_as_long_as_it_takes(left_over):
    """The short while is for the meeting alone: rank 0 may have a cohort to encode."""
    assert MEETING < PATIENCE
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", MEET], env={**left_over, "RANK": rank, "PYTHONPATH": f"{ROOT}:{ROOT / 'spec'}"},
            stdout=subprocess.PIPE, text=True,
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    assert [rank.communicate(timeout=120)[0] for rank in ranks] == [f"late {PATIENCE.total_seconds()}\n"] * 2
