"""The network of a checkpoint, to sample with: averaged weights, or the weights where the run keeps no average."""

from __future__ import annotations

from torch import nn

from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.nets.factory import build_net
from neuromf.nets.unet import MeanFlowUnet
from neuromf.training.checkpoints.checkpoint import Checkpoint
from neuromf.training.checkpoints.restore import load_average, load_weights
from neuromf.training.records.run_folder import RunFolder


def refuse_other_configuration(checkpoint: Checkpoint, run: RunFolder, config: Config) -> None:
    """Refuse a checkpoint of another run, whose weights may fit this net all the same.

    Raises:
        InputError: naming both.
    """
    if checkpoint.state["config_hash"] != config_hash(config):
        problem = f"checkpoint {checkpoint.path.name} was made with another configuration"
        raise InputError(problem, remedy="restore the run's own", file=run.config, key="config_hash")


def is_averaged(config: Config) -> bool:
    """Whether a run of this configuration keeps an average, with which it is sampled."""
    return config.ema.decay is not None


def sampling_net(checkpoint: Checkpoint, config: Config) -> nn.Module:
    """The network with the weights that samples are drawn with, on the CPU, in evaluation mode.

    Args:
        checkpoint: of a run of this configuration.
        config: the run.

    Raises:
        InputError: the weights are missing, damaged or of another network.
    """
    net = build_net(config, seed=0)
    (load_average if is_averaged(config) else load_weights)(checkpoint.path, net)
    if isinstance(net, MeanFlowUnet):
        net.velocity_head = None  # it only ever supplied the tangent
    return net.eval()  # dropout of an own network is of its training
