"""Code that shows a fallen law without the suite: the adapter, a network of one line, and one batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromf_spec.conformance.checks.identity import MEAN, STD
from neuromf_spec.conformance.declaration import Declaration
from neuromf_spec.conformance.verdict import LossCall, Result

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

HEAD = """# {key}: {statement}
import importlib.util
from types import SimpleNamespace

{imports}

spec = importlib.util.spec_from_file_location("adapter", {file!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
adapter = module.{class_name}()


def beside(time, z):
    shape = tuple(getattr(time, "shape", ()))
    return time.reshape(shape + (1,) * (len(z.shape) - len(shape))) if shape else time


def field(p, z, r, t, y=0.0):
    r, t, y = beside(r, z), beside(t, z), beside(y, z)
{field}


{network}

"""

TORCH = """class Net(torch.nn.Module):
    def __init__(self, values):
        super().__init__()
        made = {{name: torch.nn.Parameter(torch.tensor(value, dtype=torch.{dtype})) for name, value in values.items()}}
        self.p = torch.nn.ParameterDict(made)

    def forward(self, z, r, t, y=0.0):
        return field(self.p, z, r, t, y)
{velocity}

def call(values, x, e, r, t, y):
    net = Net(values)
    x, e, r, t = (torch.tensor(part, dtype=torch.{dtype}) for part in (x, e, r, t))
    loss = adapter.loss(net, SimpleNamespace(x=x, e=e, r=r, t=t, y=torch.tensor(y)))
    loss.backward()
    return float(loss), {{name: 0.0 if p.grad is None else float(p.grad) for name, p in net.p.items()}}"""

TORCH_HEAD = """
    def velocity(self, z, r, t):
        r, t = beside(r, z), beside(t, z)
        return self.p["head_one"] + {terms}
"""

JAX = """jax.config.update("jax_enable_x64", {double})


def call(values, x, e, r, t, y):
    x, e, r, t = (jnp.asarray(part, dtype=jnp.{dtype}) for part in (x, e, r, t))
    samples = SimpleNamespace(x=x, e=e, r=r, t=t, y=jnp.asarray(y))

    def value(p):
        net = lambda z, r, t, y=0.0: field(p, z, r, t, y)
        return adapter.loss(net, samples)

    loss, gradient = jax.value_and_grad(value)({{name: jnp.asarray(part) for name, part in values.items()}})
    return float(loss), {{name: float(part) for name, part in gradient.items()}}"""

CALL = """loss, gradient = call(
    {parameters},
    x={x},
    e={e},
    r={r},
    t={t},
    y={y},
)
print("{what}", {shown}, "by law {law}")
"""


def snippet(result: Result, loaded: LoadedAdapter, adapter: Any) -> str:  # noqa: ANN401
    """A program of its own that repeats the calls of a result.

    Args:
        result: with trials.
        loaded: where the adapter lies.
        adapter: one of it.
    """
    declared: Declaration = adapter.declares
    first = result.trials[0]
    head = HEAD.format(
        key=result.key,
        statement=result.detail,
        imports="import torch" if adapter.library == "torch" else "import jax\nimport jax.numpy as jnp",
        file=str(loaded.file.absolute()),
        class_name=loaded.class_name,
        field=_field(first, declared),
        network=_network(first.parameters, declared, adapter.library),
    )
    return head + "".join(_call(trial, declared) for trial in result.trials)


def _field(trial: LossCall, declared: Declaration) -> str:
    lines = ["    r, t = 1.0 - r, 1.0 - t"] if declared.data_at == 1 else []
    sign = "-" if declared.data_at == 1 and declared.prediction == "u" else ""
    terms = ["z - z", *(f'p["{name}"] * ({FORMULAS[name]})' for name in trial.parameters if name in FORMULAS)]
    if trial.field == "gaussian":
        lines += [
            f"    s_t, s_r = (((1 - a) ** 2 * {VARIANCE} + a * a) ** 0.5 for a in (t, r))",
            f"    slope = (t + r - {VARIANCE} * (2 - t - r)) / (s_t * (s_t + s_r))",
            f"    u = slope * (z - (1 - t) * {MEAN}) - {MEAN}",
        ]
        terms = ["u" if declared.prediction == "u" else "z - t * u", *terms[1:]]
    return "\n".join([*lines, f"    return {sign}({' + '.join(terms)})"])


def _network(parameters: Mapping[str, float], declared: Declaration, library: str) -> str:
    dtype = declared.precision
    if library == "jax":
        return JAX.format(double=dtype == "float64", dtype=dtype)
    names = [name for name in ("z", "t") if f"head_{name}" in parameters]
    terms = " + ".join(["z - z", *(f'self.p["head_{name}"] * {name}' for name in names)])
    return TORCH.format(dtype=dtype, velocity=TORCH_HEAD.format(terms=terms) if declared.v_head else "")


def _call(trial: LossCall, declared: Declaration) -> str:
    batch = trial.batch.own_time(declared.data_at)
    return CALL.format(
        parameters=dict(trial.parameters),
        x=batch.x.tolist(),
        e=batch.e.tolist(),
        r=batch.r.tolist(),
        t=batch.t.tolist(),
        y=batch.y.tolist(),
        what=f"gradient of {trial.knob}:" if trial.knob else "loss:",
        shown=f'gradient["{trial.knob}"]' if trial.knob else "loss",
        law=trial.law,
    )
