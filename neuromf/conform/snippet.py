"""Code that shows a fallen law without the suite: the adapter, a network of one line, and the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromf_spec.conformance.checks.identity import MEAN, STD
from neuromf_spec.conformance.declaration import Declaration
from neuromf_spec.conformance.verdict import AverageCall, LossCall, RateCall, Result, SampleCall, TimesCall, Trial

from neuromf.conform import snippet_texts as texts
from neuromf.conform.load import LoadedAdapter

FORMULAS = {
    "one": "1.0",
    "z": "z",
    "r": "r",
    "t": "t",
    "gap": "(t - r) * (t - r)",
    "zz": "z * z",
    "zt": "z * t",
    "zr": "z * r",
    "tt": "t * t",
    "label": "y",
}
"""The terms of the suite's polynomial, as Python."""

VARIANCE = STD**2
"""Of the Gaussian whose average velocity the suite knows."""


def snippet(result: Result, loaded: LoadedAdapter, adapter: Any) -> str:  # noqa: ANN401
    """A program of its own that repeats the calls of a result.

    Args:
        result: with trials.
        loaded: where the adapter lies.
        adapter: one of it.
    """
    declared: Declaration = adapter.declares
    kind, dtype = adapter.library, declared.precision
    head = texts.HEAD.format(
        key=result.key,
        statement=result.detail,
        imports=texts.IMPORTS[kind].format(double=dtype == "float64"),
        file=str(loaded.file.absolute()),
        class_name=loaded.class_name,
        array=texts.ARRAYS[kind].format(dtype=dtype),
    )
    return head + _field(result.trials[0], declared, kind) + "".join(_call(t, declared, kind) for t in result.trials)


def _field(trial: Trial, declared: Declaration, library: str) -> str:
    """The network, where the call needs one."""
    if not isinstance(trial, LossCall | SampleCall):
        return ""
    lines = ["    r, t = 1.0 - r, 1.0 - t"] if declared.data_at == 1 else []
    sign = "-" if declared.data_at == 1 and declared.prediction == "u" else ""
    terms = ["z - z", *(f'p["{name}"] * ({FORMULAS[name]})' for name in trial.parameters if name in FORMULAS)]
    if isinstance(trial, LossCall) and trial.field == "gaussian":
        lines += [
            f"    s_t, s_r = (((1 - a) ** 2 * {VARIANCE} + a * a) ** 0.5 for a in (t, r))",
            f"    slope = (t + r - {VARIANCE} * (2 - t - r)) / (s_t * (s_t + s_r))",
            f"    u = slope * (z - (1 - t) * {MEAN}) - {MEAN}",
        ]
        terms = ["u" if declared.prediction == "u" else "z - t * u", *terms[1:]]
    body = "\n".join([*lines, f"    return {sign}({' + '.join(terms)})"])
    return texts.FIELD.format(field=body, network=_network(trial.parameters, declared, library))


def _network(parameters: Mapping[str, float], declared: Declaration, library: str) -> str:
    if library == "jax":
        return texts.JAX.format()
    names = [name for name in ("z", "t") if f"head_{name}" in parameters]
    terms = " + ".join(["z - z", *(f'self.p["head_{name}"] * {name}' for name in names)])
    velocity = texts.TORCH_HEAD.format(terms=terms) if declared.v_head else ""
    return texts.TORCH.format(dtype=declared.precision, velocity=velocity)


def _call(trial: Trial, declared: Declaration, library: str) -> str:
    match trial:
        case LossCall():
            return _loss(trial, declared)
        case SampleCall():
            found = "found.detach()" if library == "torch" else "found"
            given = {"parameters": dict(trial.parameters), "noise": trial.noise.tolist(), "steps": trial.steps}
            return texts.SAMPLE.format(**given, found=found, law=trial.law)
        case TimesCall():
            own = "r, t = 1 - r, 1 - t\n" if declared.data_at == 1 else ""
            first, end = trial.seeds[0], trial.seeds[-1] + 1
            given = {"count": trial.count, "first": first, "end": end, "shown": trial.shown, "law": trial.law}
            return texts.TIMES.format(seeded=texts.SEEDED[library], own=own, **given)
        case AverageCall():
            return texts.AVERAGE.format(weights=[part.tolist() for part in trial.weights], law=trial.law)
        case RateCall():
            return texts.RATE.format(step=trial.step, law=trial.law)


def _loss(trial: LossCall, declared: Declaration) -> str:
    batch = trial.batch.own_time(declared.data_at)
    return texts.LOSS.format(
        parameters=dict(trial.parameters),
        x=batch.x.tolist(),
        e=batch.e.tolist(),
        r=batch.r.tolist(),
        t=batch.t.tolist(),
        y=batch.y.tolist(),
        what=_what(trial),
        shown=_shown(trial),
        law=trial.law,
    )


def _what(trial: LossCall) -> str:
    if not trial.knob:
        return "loss:"
    beside = {"": "", "norm": " over the norm of the gradient"}.get(trial.over, f" over that of {trial.over}")
    return f"gradient of {trial.knob}{beside}:"


def _shown(trial: LossCall) -> str:
    if not trial.knob:
        return "loss"
    norm = "sum(part**2 for part in gradient.values()) ** 0.5"
    beside = {"": "", "norm": f" / {norm}"}.get(trial.over, f' / gradient["{trial.over}"]')
    return f'gradient["{trial.knob}"]{beside}'
