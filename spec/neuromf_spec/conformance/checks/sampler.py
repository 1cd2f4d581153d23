"""The sampler follows the average velocity: one step, then several (law ID-001)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.batch import Parameters
from neuromf_spec.conformance.bench import POLYNOMIAL, Bench
from neuromf_spec.conformance.conduct import conduct_of
from neuromf_spec.conformance.declaration import Declaration
from neuromf_spec.conformance.fields import Field, Gaussian, evaluate
from neuromf_spec.conformance.judging import by_number, told_error
from neuromf_spec.conformance.verdict import Result, SampleCall, Status

Array = NDArray[np.float64]
Step = Callable[[Array, float, float], Array]
"""(z, r, t) -> the next z."""
COUNT = 3
STEPS = 4


def sampled(bench: Bench) -> list[Result]:
    """X = e - u(e, 0, 1), and z_r = z_t - (t - r) u(z_t, r, t) along the grid."""
    return [] if bench.subject.sample is None else [_tried(bench, steps) for steps in (1, STEPS)]


def _tried(bench: Bench, steps: int) -> Result:
    """A code that samples in one step is judged by that one, whatever becomes of several."""
    try:
        return _judge(bench, steps)
    except NotImplementedError as error:
        status, told = Status.NOT_APPLICABLE, str(error) or f"the code does not sample in {steps} steps"
    except Exception as error:
        status, told = Status.CANNOT_RUN, told_error(error)
    return Result(law_id="ID-001", fact=_fact(steps), status=status, detail=told)


def _fact(steps: int) -> str:
    return "one step of the sampler" if steps == 1 else f"{steps} steps of the sampler"


def _judge(bench: Bench, steps: int) -> Result:
    generator = bench.generator(12)
    drawn = bench.parameters(generator)
    parameters = {name: 0.3 * value for name, value in drawn.items() if name != "label"}
    noise = generator.standard_normal((max(COUNT, bench.declared.batch), *bench.declared.shape))
    found = _call(bench, POLYNOMIAL, parameters, noise, steps)
    times = _grid(bench, steps)
    velocity = _velocity(bench.declared, POLYNOMIAL, parameters, bench.label)
    law = _walk(noise, times, _lawful(velocity))
    limit = 10 * bench.declared.allowed
    off = _off(found, law)
    repair = "" if off <= limit else _repair(bench, noise, times, velocity, found, limit)
    detail = f"the first number of the sample is {found.flat[0]:.9g}, by law {law.flat[0]:.9g}, on the times "
    shown = (SampleCall(parameters=parameters, noise=noise, steps=steps, law=float(law.flat[0])),)
    return by_number("ID-001", _fact(steps), off, limit, detail=detail + _told(times), repair=repair, trials=shown)


def _call(bench: Bench, field: Field, parameters: Parameters, noise: Array, steps: int) -> Array:
    assert bench.subject.sample is not None
    return np.asarray(bench.subject.sample(bench.network(field), parameters, noise, steps), dtype=float)


def _grid(bench: Bench, steps: int) -> list[float]:
    if bench.subject.grid is None:
        return [1 - step / steps for step in range(steps + 1)]
    times = [float(time) for time in bench.subject.grid(steps)]
    return times if bench.declared.data_at == 0 else [1 - time for time in times]


def _told(times: Sequence[float]) -> str:
    return ", ".join(f"{time:.4g}" for time in times)


def _velocity(declared: Declaration, field: Field, parameters: Parameters, label: int) -> Step:
    clamp = conduct_of(declared).clamp

    def velocity(z: Array, r: float, t: float) -> Array:
        output = np.asarray(evaluate(field, parameters, z, np.float64(r), np.float64(t), np.float64(label)))
        return output if declared.prediction == "u" else (z - output) / max(t, clamp)

    return velocity


def _lawful(velocity: Step) -> Step:
    return lambda z, r, t: z - (t - r) * velocity(z, r, t)


def _walk(noise: Array, times: Sequence[float], step: Step) -> Array:
    z = noise
    for t, r in pairwise(times):
        z = step(z, r, t)
    return z


def _off(found: Array, law: Array) -> float:
    if found.shape != law.shape:
        return float("nan")
    return float(np.abs(found - law).max() / np.abs(law).max())


def _repair(bench: Bench, noise: Array, times: list[float], velocity: Step, found: Array, limit: float) -> str:
    """The wrong step, or the wrong grid, that gives what was found."""
    steps: list[tuple[Step, str]] = [
        (lambda z, r, t: z + (t - r) * velocity(z, r, t), "go against u: z_r = z_t - (t - r) u"),
        (lambda z, r, t: z - (t - r) * velocity(z, t, t), "ask for u(z, r, t) and not for u(z, t, t)"),
        (lambda z, r, t: z - (t - r) * velocity(z, r, r), "ask for u(z, r, t) and not for u(z, r, r)"),
        (lambda z, r, t: z - (t - r) * velocity(z, t, r), "hand the network r and t in its order"),
        (lambda z, r, t: z - (t - r) * velocity(z, 0.0, t), "ask for u(z, r, t) and not for u(z, 0, t)"),
        (lambda z, r, t: z - velocity(z, r, t), "multiply u by t - r"),
        (lambda z, r, t: z - t * velocity(z, 0.0, t), "step from t to r and not to 0"),
        (
            lambda z, r, t: z + (t - r) * velocity(z, 1 - r, 1 - t),
            "take the times that are trained; here data and noise are exchanged",
        ),
        (lambda z, r, t: z - (t - r) * velocity(z, 0.0, t - r), "ask for u(z, r, t) and not for u(z, 0, t - r)"),
    ]
    for step, repair in steps:
        if _off(found, _walk(noise, times, step)) <= limit:
            return repair
    count = len(times) - 1
    grids: list[tuple[list[float], str]] = [
        (times[:-1], "take the last step, to the data"),
        ([times[0], *times[2:]], "take every step of the grid; the first is left out"),
        ([1.0, 0.0], f"take {count} steps; here they are one"),
        ([1 - step / (count + 1) for step in range(count + 2)], f"take {count} steps; here they are {count + 1}"),
        (times[1:], "begin at the noise, at t = 1"),
    ]
    for grid, repair in grids:
        if _off(found, _walk(noise, grid, _lawful(velocity))) <= limit:
            return repair
    if _off(found, _walk(noise, times[::-1], steps[0][0])) <= limit:
        return "walk the grid from the noise to the data; here its times rise from the data to the noise"
    return _grid_alone(bench, noise, count, limit)


def _grid_alone(bench: Bench, noise: Array, steps: int, limit: float) -> str:
    """With the exact field of a Gaussian any grid from noise to data ends at one point."""
    field = Gaussian(0.4, 0.6, bench.declared.prediction)
    found = _call(bench, field, {}, noise, steps)
    law = _walk(noise, [1.0, 0.0], _lawful(_velocity(bench.declared, field, {}, 0)))
    return (
        "declare the times by `grid`: they are not equal steps, and end at the data"
        if _off(found, law) <= limit
        else ""
    )
