"""Cores and memory of a job, from what its configuration says."""

from __future__ import annotations

from neuromf.config import load_config
from neuromf.launch.resources import CPU_THREADS, resources
from neuromf.nets.vae_architecture import VaeArchitecture

MAISI = VaeArchitecture((64, 128, 256), (2, 2, 2), 32)


def asked(*overrides, gpus=2, scans=1000):
    return resources(load_config(["recommended"], overrides), MAISI, scans, gpus)


def test_each_process_has_a_core_and_one_for_each_of_its_workers():
    """Two workers a GPU, as a training on a GPU has unless told otherwise; on the CPU a fixed number."""
    assert [asked(gpus=gpus).cpus for gpus in (1, 2, 8)] == [3, 6, 24]
    assert asked(gpus=0).cpus == CPU_THREADS


def test_the_arithmetic_is_that_of_the_docstring():
    """166.7 million parameters, eight samples of 442,368 numbers a micro-batch, 192^3 voxels, two processes."""
    parameters, voxels, sample = 166_691_268, 192**3, 442_368
    one = 4 * 2**30 + 36 * parameters + 2 * (2**29 + 3 * 2 * 4 * 8 * sample)
    total = 2 * one + 8 * 4 * voxels * 64 + 4096 * (1000 + 1875)
    assert asked().memory_gib == -(-int(1.5 * total) // 2**32) * 4


def test_more_of_anything_is_never_less_memory():
    """Scans, samples, voxels, processes; a training on the CPU holds its activations in the node's memory."""
    least = asked().memory_gib
    assert asked(scans=10_000_000).memory_gib > least
    assert asked("training.batch_size_per_gpu=512").memory_gib > least
    assert asked("data.shape=[256,256,256]").memory_gib > least
    assert asked(gpus=8).memory_gib > least
    assert asked(gpus=0).memory_gib > asked(gpus=1).memory_gib
