"""Whether the trainer can use a network of the user's own at all: train it, save it, and sample from it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.flow.network import NetOutput
from neuromf.monitor.checks.network_points import Points
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.nets.factory import KEY, PROTOCOL
from neuromf.own_code import told

WITH_COVARIATES = "let forward(z, r, t, y=None) take covariates y (B, K), zeros and None where nothing is known"


def refuse_unusable(config: Config, net: nn.Module, at: Points) -> None:
    """See that the trainer can train, save and sample a network.

    Raises:
        InputError: it cannot; what is wrong, and how it should be.
    """
    parameters = dict(net.named_parameters())
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise refused("has no parameter to train", "give it some, with requires_grad")
    if others := [name for name, parameter in parameters.items() if parameter.dtype != torch.float32]:
        kind = str(parameters[others[0]].dtype).removeprefix("torch.")
        raise refused(f"holds {others[0]} as {kind}", "make it float32; training.precision says what it computes in")
    state = net.state_dict()
    places: dict[int, str] = {}
    for name, value in state.items():
        if value.numel() and (first := places.setdefault(value.untyped_storage().data_ptr(), name)) != name:
            raise refused(
                f"holds {first} and {name} in one place", "give each parameter and buffer a tensor of its own"
            )
    if at.y_BK is not None:
        _output(net, replace(at, y_BK=None))  # samples of which nothing is known come without
    output = _output(net, at)
    wanted = config.meanflow.tangent == "v_head"
    if wanted != (output.v_head is not None):
        said = (
            "no v_head, which meanflow.tangent: v_head needs"
            if wanted
            else "a v_head, which meanflow.tangent leaves idle"
        )
        raise refused(f"gives {said}", "return NetOutput(prediction, v_head) of neuromf.flow with that tangent alone")
    for part in (output.prediction, *([output.v_head] if output.v_head is not None else [])):
        if part.shape != at.z.shape:
            raise refused(f"makes {tuple(part.shape)} of latents {tuple(at.z.shape)}", PROTOCOL)
        if not bool(torch.isfinite(part).all()):
            raise refused("puts out numbers that are not finite", "see what it does with normal noise")
    _refuse_idle(net, at)


def _output(net: nn.Module, at: Points) -> NetOutput:
    covariates = () if at.y_BK is None else (at.y_BK,)
    try:
        output = net(at.z, at.r_B, at.t_B, *covariates)
    except Exception as error:
        where = f"z {tuple(at.z.shape)}, r (2,), t (2,)" + (f", y {tuple(covariates[0].shape)}" if covariates else "")
        raise refused(f"raises {told(error)}, at {where}", WITH_COVARIATES if covariates else PROTOCOL) from error
    if not isinstance(output, Tensor | NetOutput):
        raise refused(f"returns a {type(output).__name__}", f"{PROTOCOL}, or a NetOutput of neuromf.flow")
    return output if isinstance(output, NetOutput) else NetOutput(output, None)


def _refuse_idle(net: nn.Module, at: Points) -> None:
    """Parameters without a gradient: ranks wait for it in vain, and nothing trains them."""
    probe = randomised(net)
    output = _output(probe, at.first)
    squares = torch.stack([part.square().sum() for part in output if part is not None]).sum()
    if squares.requires_grad:
        squares.backward()  # type: ignore[no-untyped-call]
    idle = [name for name, value in probe.named_parameters() if value.requires_grad and value.grad is None]
    if idle:
        problem = f"has {len(idle)} trainable parameters that its output does not depend on, first {idle[0]}"
        raise refused(problem, "leave them out, or freeze them with requires_grad_(False)")


def randomised(net: nn.Module) -> nn.Module:
    """A copy whose zero-initialised layers are drawn at random.

    Raises:
        InputError: it cannot be copied.
    """
    try:
        return randomised_copy(net, 0)
    except Exception as error:
        raise refused(
            f"cannot be copied ({told(error)})", "let copy.deepcopy copy it, for laws are tried on one"
        ) from error


def refused(problem: str, remedy: str) -> InputError:
    """What a user is told of the network."""
    return InputError(f"the network {problem}", remedy=remedy, key=KEY)
