"""Python's collector of cycles leaves alone what a command made at its start, and nothing else."""

import gc
import subprocess
import sys
import weakref

import pytest

from neuromf.cli.start_of_life import start_of_life

ENDS = """
import sys

from neuromf.cli.app import main

class Told:
    def __del__(self):
        print("collected at the end", flush=True)

one = Told()
one.own = one
sys.argv = ["neuromf", *sys.argv[1:]]
main()
"""


class Held:
    """Something that can stand in a cycle."""


def cycle():
    one = Held()
    one.own = one
    return weakref.ref(one)


@pytest.fixture(autouse=True)
def collector():
    """As it is by default, before and after."""
    gc.enable()
    yield
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_the_collector_rests_at_the_start_and_works_after_it():
    """What is made later is collected; what was there stays as it is."""
    with start_of_life() as begun:
        assert not gc.isenabled()
        begun()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 10_000  # this process's modules
        later = cycle()
        gc.collect()
        assert later() is None


def test_what_fell_at_the_start_is_collected_after_the_command():
    """A process that runs many commands keeps nothing of them; an error is no exception."""
    fell = None

    def command():
        nonlocal fell
        with start_of_life() as begun:
            fell = cycle()
            begun()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()
    gc.collect()
    assert fell() is None


def test_a_collector_that_was_off_stays_off():
    """It is put back as it was found."""
    gc.disable()
    with start_of_life() as begun:
        begun()
        assert not gc.isenabled()
    assert not gc.isenabled()
    gc.enable()


def test_a_command_ends_without_a_last_look_for_cycles():
    """Through 100,000 scans that would take seconds, after all is written."""
    ended = subprocess.run([sys.executable, "-c", ENDS, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("neuromf ")
    assert "collected" not in ended.stdout
