"""Several volumes at a time: the same results in the same order, on the CPU and for small ones alone."""

import threading

import pytest
import torch

from neuromf.evaluation.metrics.parallel import SMALL_CELLS, each


@pytest.fixture
def two_threads():
    """Torch with two threads, whatever the session has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_keep_the_order_of_the_items(two_threads):
    """However long each takes."""
    assert list(each(lambda item: item**2, range(50), cells=1)) == [item**2 for item in range(50)]


def test_each_is_worked_on_by_one_thread_and_torch_has_its_own_back(two_threads):
    """In threads of the pool; the caller's number is as it was."""
    found = list(each(lambda _: (torch.get_num_threads(), threading.current_thread().name), range(4), cells=1))
    assert {number for number, _ in found} == {1}
    assert all(name != threading.main_thread().name for _, name in found)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("cells", "device"), [(SMALL_CELLS + 1, "cpu"), (1, "cuda"), (1, "meta")])
def test_large_ones_and_those_of_a_gpu_come_one_by_one(two_threads, cells, device):
    """Their memory is not asked for several times."""
    names = list(each(lambda _: threading.current_thread().name, range(3), cells=cells, device=device))
    assert set(names) == {threading.main_thread().name}


def test_an_error_reaches_the_caller(two_threads):
    """And the number of threads is as it was."""
    with pytest.raises(ZeroDivisionError):
        list(each(lambda item: 1 / item, [1, 0], cells=1))
    assert torch.get_num_threads() == 2
