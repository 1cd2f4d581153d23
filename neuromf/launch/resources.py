"""Estimates the cores and the memory that a job requests; a cluster's defaults (one core, a few GB) would kill it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.nets.factory import parameter_count
from neuromf.nets.own_vae import OwnArchitecture
from neuromf.nets.vae_architecture import VaeArchitecture
from neuromf.nets.weight_copies import FLOAT, FORMER, saved_copies
from neuromf.training.device.choice import DRAWN_AHEAD

GIB = 2**30
CPU_THREADS = 4
"""Cores of a training on the CPU: few nodes have fewer, and a step gains from each."""
PROCESS = 4 * GIB
"""Of each process: Python, torch, and CUDA's libraries and context, which take 2 to 3 GiB of a node's memory."""
WORKER = GIB // 2
"""Of each process that draws batches, before it holds one: its own copies of what Python touches."""
SAVED = 2
"""Times that a process holds what a checkpoint has: once for the training, once while it is saved."""
GRADIENT = 1
MICRO_BATCHES = 3
"""That a worker holds, data and noise each: two ready, one in work."""
ENCODER_MAPS = 8
"""Maps of the autoencoder's first level while a scan is encoded: 4.0 measured (MAISI's network at 32^3 and 48^3 voxels,
the demo's at 64^3), and as much again for what the kernels of convolutions keep."""
STEP_MAPS = 140
"""Maps of the network's first level, for each sample, that a step on the CPU holds: 70 measured (`nox -s bench`, peak
of a flow-matching step), and as much again."""
ROW = 4096
"""Bytes of a scan's row in the manifest and of a step's in the trace; 2 KiB and 3 KiB measured."""
ENCODING_WORKERS = 4
"""Processes that read and resample scans ahead of an encoding on a GPU; on the CPU there is one."""
PREPARED_MAPS = 8
"""Float32 copies of a scan in such a process: as it is stored, turned, resampled, cropped; at a spacing up to half as
fine again."""
MARGIN = 1.5
"""On everything: memory that is asked for and not used costs a wait in the queue, too little costs the run."""
STEP_GIB = 4
"""What the sum is rounded up to."""


@dataclass(frozen=True)
class JobResources:
    """What a job asks for.

    Attributes:
        cpus: cores.
        memory_gib: memory of the node, in GiB.
    """

    cpus: int
    memory_gib: int


def resources(config: Config, vae: VaeArchitecture | OwnArchitecture, scans: int, gpus: int) -> JobResources:
    """What a node of the training needs, with a generous margin; --cpus-per-task and --mem of sbatch replace it.

    With P parameters, B samples a micro-batch, D numbers a latent, V voxels a scan, p processes of w workers each:

        cores   p (w + 1) with GPUs; 4 without
        memory  1.5 x (p (4 GiB + 36 B x P + w (0.5 GiB + 3 x 2 x 4 B x B x D))        28 B without an average
                       + 8 x 4 B x V x (width of the autoencoder's first level)      one scan being encoded
                       + 4 KiB x (scans + optimiser steps)                            manifest and trace
                       + without GPUs, 4 B x P + 140 x 4 B x B x D / 4 x (width of the network's first level))

    Args:
        config: the run.
        vae: the autoencoder that encodes its scans.
        scans: of its cohort.
        gpus: of a node, each with a process; none for one process on the CPU.
    """
    processes, workers = max(gpus, 1), DRAWN_AHEAD["cuda" if gpus else "cpu"]
    parameters, facts = parameter_count(config), run_facts(config)
    batch = config.training.batch_size_per_gpu * facts.latent_dims * FLOAT
    weights = (SAVED * saved_copies(config) + FORMER) * FLOAT * parameters
    memory = processes * (PROCESS + weights + workers * (WORKER + MICRO_BATCHES * 2 * batch))
    memory += ENCODER_MAPS * FLOAT * math.prod(config.data.shape) * vae.num_channels[0]
    memory += ROW * (scans + facts.optimiser_steps)
    if not gpus:
        channels = config.latent_shape[0]
        memory += GRADIENT * FLOAT * parameters + STEP_MAPS * batch // channels * config.unet.channels[0]
    return JobResources(cpus=processes * (workers + 1) if gpus else CPU_THREADS, memory_gib=_rounded(memory))


def encoding_resources(config: Config, vae: VaeArchitecture | OwnArchitecture, scans: int, gpus: int) -> JobResources:
    """What the encoding needs on its node.

    With the letters of `resources` and w workers that prepare scans:

        cores   1 + w with a GPU; 4 without
        memory  1.5 x (4 GiB + 8 x 4 B x V x (width of the autoencoder's first level)
                       + w (0.5 GiB + 8 x 4 B x V) + 4 KiB x scans)

    Args:
        config: the run.
        vae: the autoencoder.
        scans: of its cohort.
        gpus: one, or none.
    """
    workers, voxels = ENCODING_WORKERS if gpus else 1, math.prod(config.data.shape)
    memory = PROCESS + ENCODER_MAPS * FLOAT * voxels * vae.num_channels[0]
    memory += workers * (WORKER + PREPARED_MAPS * FLOAT * voxels) + ROW * scans
    return JobResources(cpus=1 + workers if gpus else CPU_THREADS, memory_gib=_rounded(memory))


def _rounded(memory: float) -> int:
    return math.ceil(MARGIN * memory / GIB / STEP_GIB) * STEP_GIB
