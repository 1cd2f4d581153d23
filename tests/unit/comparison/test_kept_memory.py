"""What glibc keeps, and other C libraries."""

import ctypes
from types import SimpleNamespace

import pytest

from neuromf.comparison.kept_memory import KEPT, keep_freed_memory


def test_both_thresholds_are_set_to_what_is_kept(monkeypatch):
    """That of maps, which glibc takes up to 32 MiB, and that of the heap's end."""
    asked = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=lambda *given: asked.append(given)))
    keep_freed_memory()
    assert asked == [(-3, KEPT), (-1, KEPT)]


def absent(name):
    """A C library without `mallopt`."""
    return SimpleNamespace()


def refused(name):
    """A system that opens no library without a name."""
    raise OSError


def unnamed(name):
    """Windows wants a name."""
    raise TypeError


@pytest.mark.parametrize("library", [absent, refused, unnamed])
def test_another_c_library_is_left_as_it_is(monkeypatch, library):
    """And the comparison goes on."""
    monkeypatch.setattr(ctypes, "CDLL", library)
    keep_freed_memory()
