"""Judges a network of the user's own by the laws that no configuration can answer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from neuromf.config.covariates import covariate_width
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.flow.jvp import exact_derivative
from neuromf.flow.network import evaluate
from neuromf.flow.network import told as with_covariates
from neuromf.monitor.checks.network_points import Points, points
from neuromf.monitor.checks.probes import raw_field, relative_distance, state_digest
from neuromf.monitor.checks.runtime_checks import LawReading, judge
from neuromf.monitor.checks.usable_network import randomised, refuse_unusable, refused
from neuromf.nets.factory import KEY, build_net
from neuromf.own_code import told

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
"""Of central differences: a right derivative agrees with one of them, whatever the network's time scale and type."""
NAMED = 3


def network_readings(config: Config, device: torch.device) -> list[LawReading]:
    """Judge the network that a configuration's own code builds; the first broken law is the last that is judged.

    Raises:
        InputError: the trainer cannot use it, for a reason that no law is about.
    """
    net, again = build_net(config).to(device), build_net(config).to(device)
    other = other_tensors(net, again)  # before an evaluation may change one
    at = points(config.latent_shape, device, covariate_width(config.covariates.columns))
    refuse_unusable(config, net, at)
    found: list[LawReading] = []
    for reading in _readings(again, at, other):
        found.append(reading)
        if not reading.finding.passed:
            break
    return found


def refuse_unfit(config: Config, device: torch.device) -> None:
    """Stop a training of a network that the user's own code builds and that breaks a law; ours keeps them.

    Raises:
        InputError: naming the law, or why the trainer cannot use it.
    """
    if config.unet.factory is None:
        return
    from neuromf_spec.registry import law

    for reading in network_readings(config, device):
        if not reading.finding.passed:
            broken, finding = law(reading.law_id), reading.finding
            problem = f"what {config.unet.factory} builds breaks {broken.id} ({broken.title}): found {finding.value}"
            detail = f", {finding.detail}" if finding.detail else ""
            remedy = broken.remedy[0].lower() + broken.remedy[1:].rstrip(".")
            raise InputError(f"{problem}, bound {finding.bound}{detail}", remedy=remedy, key=KEY)


def _readings(net: nn.Module, at: Points, other: list[str]) -> Iterator[LawReading]:
    yield judge("CKPT-001", differing=[f"initial {name}" for name in other][:NAMED])
    probe = randomised(net)
    with torch.no_grad():
        before = state_digest(probe.state_dict().values())
        first, again = (_prediction(probe, at) for _ in range(2))
        yield judge("NUM-002", differing=[] if torch.equal(first, again) else ["the network's output"])
        after = state_digest(probe.state_dict().values())
        yield judge("LOSS-001", difference=_company(probe, at, first))
        yield judge("EMA-003", before=before, after=after)
        yield judge("NET-001", moved_by_t=_moved(probe, at, first, time=True), moved_by_r=_moved(probe, at, first))
        if at.y_BK is not None:
            yield judge("NET-002", moved=relative_distance(_prediction(probe, replace(at, y_BK=None)), first))
    yield _derivative_reading(probe, at)


def _prediction(net: nn.Module, at: Points) -> Tensor:
    return evaluate(with_covariates(net, at.y_BK), at.z, at.r_B, at.t_B).prediction


def other_tensors(one: nn.Module, other: nn.Module) -> list[str]:
    """Names of the tensors that two networks of the same seed do not have alike."""
    here, there = one.state_dict(), other.state_dict()
    names = sorted(here.keys() ^ there.keys())
    return names + [name for name, value in here.items() if name in there and not torch.equal(value, there[name])]


def _company(net: nn.Module, at: Points, first: Tensor) -> float:
    """How far the first sample's output moves when the second is another one, at other times."""
    z, r_B, t_B = at.z.clone(), at.r_B.clone(), at.t_B.clone()
    z[1], r_B[1], t_B[1] = -3 * at.z[1], 0.05, 0.95
    y_BK = None if at.y_BK is None else torch.stack([at.y_BK[0], -2 * at.y_BK[1]])
    return relative_distance(_prediction(net, Points(z, r_B, t_B, at.v, y_BK))[:1], first[:1])


def _moved(net: nn.Module, at: Points, first: Tensor, *, time: bool = False) -> float:
    """How far the output moves with t, or else with r alone."""
    r_B, t_B = (at.r_B, 1.1 * at.t_B) if time else (0.5 * at.r_B, at.t_B)
    return relative_distance(_prediction(net, replace(at, r_B=r_B, t_B=t_B)), first)


def _derivative_reading(net: nn.Module, at: Points) -> LawReading:
    """The forward derivative against central differences, in float64 where the network can be evaluated in it."""
    try:
        found = judge("JVP-001", error=_derivative_error(copy.deepcopy(net).double(), at.like(torch.float64)))
        if found.finding.passed:  # one that rounds to float32 inside is further off, and not wrong
            return found
    except (RuntimeError, TypeError):  # its code makes float32 tensors of its own
        pass
    try:
        return judge("JVP-001", error=_derivative_error(net, at), double=False)
    except Exception as failure:
        problem = f"has no forward derivative ({told(failure)})"
        raise refused(problem, "use operators of torch that torch.func.jvp differentiates") from failure


def _derivative_error(net: nn.Module, at: Points) -> float:
    """Relative distance of the derivative along (v, 0, 1) from the nearest of some central differences."""
    field = raw_field(with_covariates(net, at.y_BK))
    found = exact_derivative(field, at.z, at.r_B, at.t_B, at.v).dudt
    errors = []
    with torch.no_grad():
        for step in STEPS:
            ahead = field(at.z + step * at.v, at.r_B, at.t_B + step)
            behind = field(at.z - step * at.v, at.r_B, at.t_B - step)
            errors.append(relative_distance(found, (ahead - behind) / (2 * step)))
    return float(torch.tensor(errors).min())  # which keeps a NaN
