"""Python's collector of cycles leaves alone what a command made at its start, and nothing else."""

import gc
import weakref

import pytest

from neuromf.cli.start_of_life import start_of_life


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
