"""Texts of the programs that show a fallen law without the suite; `str.format` fills them in."""

from __future__ import annotations

HEAD = """# {key}: {statement}
import importlib.util
import sys
from types import SimpleNamespace

import numpy as np
{imports}

spec = importlib.util.spec_from_file_location("adapter", {file!r})
sys.modules["adapter"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
adapter = module.{class_name}()
array = {array}

"""

FIELD = """
def beside(time, z):
    shape = tuple(getattr(time, "shape", ()))
    return time.reshape(shape + (1,) * (len(z.shape) - len(shape))) if shape else time


def field(p, z, r, t, y=0.0):
    r, t, y = beside(r, z), beside(t, z), beside(y, z)
{field}


{network}

"""

ARRAYS = {
    "torch": "lambda values: torch.tensor(np.array(values), dtype=torch.{dtype})",
    "jax": "lambda values: jnp.asarray(values, dtype=jnp.{dtype})",
}
IMPORTS = {
    "torch": "import torch",
    "jax": 'import jax\nimport jax.numpy as jnp\n\njax.config.update("jax_enable_x64", {double})',
}
SEEDED = {"torch": "torch.manual_seed(seed) and ", "jax": ""}

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
    x, e, r, t = (array(part) for part in (x, e, r, t))
    loss = adapter.loss(net, SimpleNamespace(x=x, e=e, r=r, t=t, y=torch.tensor(y)))
    if loss.requires_grad:
        loss.backward()
    return float(loss), {{name: 0.0 if p.grad is None else float(p.grad) for name, p in net.p.items()}}"""

TORCH_HEAD = """
    def velocity(self, z, r, t):
        r, t = beside(r, z), beside(t, z)
        return self.p["head_one"] + {terms}
"""

JAX = """Net = lambda p: lambda z, r, t, y=0.0: field(p, z, r, t, y)


def call(values, x, e, r, t, y):
    x, e, r, t = (array(part) for part in (x, e, r, t))
    samples = SimpleNamespace(x=x, e=e, r=r, t=t, y=jnp.asarray(y))

    def value(p):
        return adapter.loss(Net(p), samples)

    loss, gradient = jax.value_and_grad(value)({{name: jnp.asarray(part) for name, part in values.items()}})
    return float(loss), {{name: float(part) for name, part in gradient.items()}}"""

LOSS = """loss, gradient = call(
    {parameters},
    x={x},
    e={e},
    r={r},
    t={t},
    y={y},
)
print("{what}", {shown}, "by law {law}")
"""


SAMPLE = """found = adapter.sample(Net({parameters}), array({noise}), {steps})
print("first number of the sample:", float(np.asarray({found}).flat[0]), "by law {law:.9g}")
"""

TIMES = """draws = [{seeded}adapter.times({count}, seed) for seed in range({first}, {end})]
r, t = (np.concatenate([np.asarray(pair[side], dtype=float).ravel() for pair in draws]) for side in (0, 1))
{own}print({shown!r} + ":", {shown}, "by law {law}")
"""

AVERAGE = """found = adapter.average([array(part) for part in {weights}])
print("first number of the average:", float(found[0]), "by law {law:.9g}")
"""

RATE = """print("factor on the rate of step {step}:", float(adapter.rate({step})), "by law {law}")
"""
