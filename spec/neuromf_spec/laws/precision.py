"""In which precision the quantities that cannot bear rounding are computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import meanflow, measured, public_code, published
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

WIDE = ("float32", "float64")
"""Types in which a sum of 442,368 squares and a difference of nearly equal numbers keep their meaning."""

EPSILON = {"fp64": 2.0**-52, "fp32": 2.0**-23, "tf32": 2.0**-10, "fp16": 2.0**-10, "bf16": 2.0**-7}
"""Distance from 1 to the next number; a number is rounded by half of it at most, relatively."""
LARGEST_PHASE, LOST_PHASE = 0.1, 1.0
"""Radians by which rounding may turn a component: at a tenth its sine is off by a tenth, at 1 it is anything."""

LARGEST_DEVICE_ERROR = {"fp32": 8e-5, "tf32": 2e-2, "bf16": 0.25}
"""Relative error of a pass from which a device computes something else; each is between what rounding explains and what
it must tell apart. Measured on four networks, two grids each: float32 is off from float64 by 1.2e-5 at most (the worst
parameter's gradient), TF32 by 5.5e-4 to 4.3e-3, bfloat16 by 7.0e-3 to 6.4e-2; a gradient that a processor did not write
by 0.94 or more."""


class DeviceError(NamedTuple):
    """How far one pass on a device is from float32.

    Attributes:
        part: output, gradient of a parameter, du/dt.
        precision: number type in which it was asked for, fp32, tf32 or bf16.
        error: relative, in the Euclidean norm.
    """

    part: str
    precision: str
    error: float


def wide_enough(*, derivative: str | None, loss: str, chosen: bool = False) -> Finding:
    """Judge the number types of a step.

    Args:
        derivative: type in which the network is evaluated for the exact du/dt; None where it is a finite difference,
            whose rounding law JVP-003 judges.
        loss: type in which the squared error is reduced.
        chosen: whether the derivative's type is set by name, so that no other method would change it.
    """
    remedy = "meanflow.derivative_precision=fp32" if chosen else "meanflow.jvp=exact meanflow.fd_step=null"
    types = [(f"{name} in {kind}", kind) for name, kind in (("du/dt", derivative), ("loss", loss)) if kind is not None]
    narrow = [found for found, kind in types if kind not in WIDE]
    severity = None if loss not in WIDE else {"float16": Severity.WARN}.get(derivative or "", Severity.INFO)
    return Finding(
        passed=not narrow,
        value="; ".join(narrow or [found for found, _ in types]),
        bound=" or ".join(WIDE),
        detail="bf16 keeps 8 bits: its du/dt is off by half even where nothing is subtracted, yet a published run "
        "trained so (FID 15.4), and one fine-tuning went from FID 4.5 to 15.5; float16 overflows at 65,504, and so "
        "does a sum of squares in it",
        passing_value=remedy if narrow else "",
        severity=severity if narrow else None,
    )


def embedding_phase(*, time_scale: float, precision: str) -> Finding:
    """Judge how far rounding turns the fastest component of the time embedding.

    Args:
        time_scale: factor on t before the embedding.
        precision: type in which the scaled time is kept, such as `fp32` or `bf16`.
    """
    error = time_scale * EPSILON[precision] / 2
    return at_most(
        error,
        LARGEST_PHASE,
        unit="rad",
        detail=f"{time_scale:g} t is rounded to {precision} before its sine is taken; at 1 rad the sine is noise",
        passing_value="unet.time_scale=1.0",
        severity=Severity.WARN if error <= LOST_PHASE else Severity.BLOCK,
    )


def device_agrees(*, errors: Sequence[DeviceError | tuple[str, str, float]]) -> Finding:
    """Judge what a device computed of the run's own network beside float32.

    Args:
        errors: of each pass.
    """
    passes = [DeviceError(*one) for one in errors]
    wrong = [one for one in passes if not one.error <= LARGEST_DEVICE_ERROR[one.precision]]
    return Finding(
        passed=not wrong,
        value="; ".join(_off(one) for one in wrong or passes),
        bound=" and ".join(
            f"{LARGEST_DEVICE_ERROR[kind]:g} in {kind}" for kind in sorted({one.precision for one in passes})
        ),
        detail="relative error of the network's own passes on a small grid, beside float32 on the CPU; rounding "
        "explains 1e-5 in fp32, 4e-3 in tf32 and 6e-2 in bf16",
        passing_value="training.precision=fp32" if any(one.precision == "bf16" for one in wrong) else "",
    )


def _off(one: DeviceError) -> str:
    finite = f"off by {one.error:.2g}" if math.isfinite(one.error) else "not finite"
    return f"{one.part} in {one.precision} {finite}"


LAWS = (
    Law(
        id="PREC-001",
        title="float32 island",
        statement="The derivative is evaluated and losses are reduced in float32 or wider, whatever the precision.",
        equation=r"\mathrm{dtype}(du/dt),\ \mathrm{dtype}(L) \in \{\mathrm{f32}, \mathrm{f64}\}",
        sources=(
            meanflow("section 4.1, Eq. 8"),
            public_code("jvp_strategies.py:152, step 1e-3 under bf16"),
            measured("tests/laws/test_law_precision.py"),
            published("zhuyu-cs/MeanFlow, derivative under bf16 autocast"),
        ),
        severity=Severity.BLOCK,
        predicate=wide_enough,
        example={"derivative": "float32", "loss": "float32"},
        counterexample={"derivative": "float32", "loss": "float16"},
        remedy="Take the derivative exactly, outside autocast, or train in float32.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("J3",),
    ),
    Law(
        id="PREC-002",
        title="embedding tells times apart",
        statement="Rounding turns no component of the time embedding by more than 0.1 rad.",
        equation=r"s\,\epsilon/2 \le 0.1",
        sources=(published("NVlabs/rcm#10, time embedding in bf16"),),
        severity=Severity.WARN,
        basis=Basis.MATHEMATICS,
        predicate=embedding_phase,
        example={"time_scale": 1000.0, "precision": "fp32"},
        counterexample={"time_scale": 1000.0, "precision": "bf16"},
        remedy="Compute the time embedding in float32, or feed it t unscaled.",
        enforcers=frozenset({Enforcer.STATIC}),
    ),
    Law(
        id="PREC-003",
        title="the device computes what float32 does",
        statement="A device computes the network's output, gradients and du/dt as float32 does, but for rounding.",
        equation=r"\|f_\mathrm{dev} - f_\mathrm{f32}\| \le b\,\|f_\mathrm{f32}\|,"
        r"\ b_\mathrm{fp32} = 8\cdot 10^{-5},\ b_\mathrm{tf32} = 0.02,\ b_\mathrm{bf16} = 0.25",
        sources=(measured("tests/laws/test_law_device.py"),),
        severity=Severity.BLOCK,
        predicate=device_agrees,
        example={"errors": (("output", "bf16", 0.015), ("du/dt", "fp32", 2e-6))},
        counterexample={"errors": (("output", "bf16", 0.015), ("du/dt", "fp32", 8e-4))},
        remedy="Train on another device, or in float32; on a GPU look for TF32 that something switched on.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
    ),
)
