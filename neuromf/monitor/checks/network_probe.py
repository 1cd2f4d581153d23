"""Tries a network of the user's own: whether the trainer can use it, and the laws that no configuration can answer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from neuromf.config.covariates import covariate_width
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.flow.jvp import exact_derivative
from neuromf.flow.network import NetOutput, evaluate
from neuromf.flow.network import told as with_covariates
from neuromf.monitor.checks.probes import randomised_copy, raw_field, relative_distance, state_digest
from neuromf.monitor.checks.runtime_checks import LawReading, judge
from neuromf.nets.factory import KEY, PROTOCOL, build_net
from neuromf.own_code import told

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
"""Of central differences: a right derivative agrees with one of them, whatever the network's time scale and type."""
NAMED = 3
WITH_COVARIATES = "let forward(z, r, t, y=None) take covariates y (B, K), zeros and None where nothing is known"


@dataclass(frozen=True)
class Points:
    """Two samples: points (2, C, D, H, W), times (2,), a velocity like the points, and covariates (2, K) if any."""

    z: Tensor
    r_B: Tensor
    t_B: Tensor
    v: Tensor
    y_BK: Tensor | None = None

    def like(self, kind: torch.dtype) -> Points:
        """The same in another type."""
        return self._each(lambda part: part.to(kind))

    @property
    def first(self) -> Points:
        """The first sample alone."""
        return self._each(lambda part: part[:1])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Points:
        known = None if self.y_BK is None else change(self.y_BK)
        return Points(change(self.z), change(self.r_B), change(self.t_B), change(self.v), known)


def points(shape: tuple[int, ...], device: torch.device, covariates: int = 0) -> Points:
    """Fixed points of latents of this shape (C, D, H, W), with so many covariates."""
    generator = torch.Generator().manual_seed(0)
    z, v = (torch.randn((2, *shape), generator=generator).to(device) for _ in range(2))
    times = torch.tensor([[0.2, 0.1], [0.7, 0.4]], device=device)
    known = torch.randn((2, covariates), generator=generator).to(device) if covariates else None
    return Points(z, times[0], times[1], v, known)


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


def refuse_unusable(config: Config, net: nn.Module, at: Points) -> None:
    """See that the trainer can train, save and sample a network.

    Raises:
        InputError: it cannot; what is wrong, and how it should be.
    """
    parameters = dict(net.named_parameters())
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise _refused("has no parameter to train", "give it some, with requires_grad")
    if others := [name for name, parameter in parameters.items() if parameter.dtype != torch.float32]:
        kind = str(parameters[others[0]].dtype).removeprefix("torch.")
        raise _refused(f"holds {others[0]} as {kind}", "make it float32; training.precision says what it computes in")
    state = net.state_dict()
    places: dict[int, str] = {}
    for name, value in state.items():
        if value.numel() and (first := places.setdefault(value.untyped_storage().data_ptr(), name)) != name:
            raise _refused(
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
        raise _refused(f"gives {said}", "return NetOutput(prediction, v_head) of neuromf.flow with that tangent alone")
    for part in (output.prediction, *([output.v_head] if output.v_head is not None else [])):
        if part.shape != at.z.shape:
            raise _refused(f"makes {tuple(part.shape)} of latents {tuple(at.z.shape)}", PROTOCOL)
        if not bool(torch.isfinite(part).all()):
            raise _refused("puts out numbers that are not finite", "see what it does with normal noise")
    _refuse_idle(net, at)


def _output(net: nn.Module, at: Points) -> NetOutput:
    covariates = () if at.y_BK is None else (at.y_BK,)
    try:
        output = net(at.z, at.r_B, at.t_B, *covariates)
    except Exception as error:
        where = f"z {tuple(at.z.shape)}, r (2,), t (2,)" + (f", y {tuple(covariates[0].shape)}" if covariates else "")
        raise _refused(f"raises {told(error)}, at {where}", WITH_COVARIATES if covariates else PROTOCOL) from error
    if not isinstance(output, Tensor | NetOutput):
        raise _refused(f"returns a {type(output).__name__}", f"{PROTOCOL}, or a NetOutput of neuromf.flow")
    return output if isinstance(output, NetOutput) else NetOutput(output, None)


def _refuse_idle(net: nn.Module, at: Points) -> None:
    """Parameters without a gradient: ranks wait for it in vain, and nothing trains them."""
    probe = _randomised(net)
    output = _output(probe, at.first)
    squares = torch.stack([part.square().sum() for part in output if part is not None]).sum()
    if squares.requires_grad:
        squares.backward()  # type: ignore[no-untyped-call]
    idle = [name for name, value in probe.named_parameters() if value.requires_grad and value.grad is None]
    if idle:
        problem = f"has {len(idle)} trainable parameters that its output does not depend on, first {idle[0]}"
        raise _refused(problem, "leave them out, or freeze them with requires_grad_(False)")


def _randomised(net: nn.Module) -> nn.Module:
    try:
        return randomised_copy(net, 0)
    except Exception as error:
        raise _refused(
            f"cannot be copied ({told(error)})", "let copy.deepcopy copy it, for laws are tried on one"
        ) from error


def _refused(problem: str, remedy: str) -> InputError:
    return InputError(f"the network {problem}", remedy=remedy, key=KEY)


def _readings(net: nn.Module, at: Points, other: list[str]) -> Iterator[LawReading]:
    yield judge("CKPT-001", differing=[f"initial {name}" for name in other][:NAMED])
    probe = _randomised(net)
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
        raise _refused(problem, "use operators of torch that torch.func.jvp differentiates") from failure


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
