"""What the samples of a batch have to do with one another: nothing (laws LOSS-001 and BATCH-002); and the value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.bench import POLYNOMIAL, Bench, trial
from neuromf_spec.conformance.judging import by_number
from neuromf_spec.conformance.verdict import Result, Status
from neuromf_spec.laws.prediction import INITIAL_TOLERANCE

PAIRS = 2


def cut(bench: Bench) -> list[Result]:
    """A batch twice over has the gradient of the batch where samples are averaged, and twice that where summed."""
    generator = bench.generator(9)
    parameters, batch = bench.parameters(generator), bench.sample(generator, flat=False)
    once, twice = (bench.evaluate(POLYNOMIAL, parameters, part).gradient for part in (batch, batch.repeated(2)))
    ratio = _ratio(twice, once)
    law = {"mean": 1.0, "sum": 2.0}
    kind = bench.conduct.batch_reduction
    other: Literal["mean", "sum"] = "sum" if kind == "mean" else "mean"
    limit = max(2e-6, 10 * bench.declared.allowed)
    repair = ""
    if not abs(ratio - law[kind]) <= limit and abs(ratio - law[other]) <= limit:
        bench.conduct = replace(bench.conduct, batch_reduction=other)
        repair = f"declare `batch_reduction` {other}, or take the {kind} over the batch"
    detail = f"the gradient of a batch given twice over is {ratio:.6g} times that of the batch, by law {law[kind]:g}"
    name = _largest(once)
    shown = (
        trial(POLYNOMIAL, parameters, batch, name, once[name], "that of the batch"),
        trial(POLYNOMIAL, parameters, batch.repeated(2), name, twice[name], f"{law[kind] * once[name]:.9g}"),
    )
    off = abs(ratio - law[kind])
    return [by_number("BATCH-002", "batch size", off, limit, detail=detail, repair=repair, trials=shown)]


def _ratio(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    name = _largest(b)
    return a[name] / b[name] if b[name] else float("nan")


def _largest(gradient: Mapping[str, float]) -> str:
    """The parameter that the loss depends on most."""
    return max(gradient, key=lambda name: abs(gradient[name]))


def alone(bench: Bench) -> list[Result]:
    """A batch of two kinds of samples has the gradients of both, in whatever order they stand."""
    generator = bench.generator(10)
    parameters = bench.parameters(generator)
    first = bench.sample(generator, flat=False).rows([0])
    second = bench.sample(generator, flat=False, equal=bench.declared.mixed).rows([0])
    second = replace(second, x=3 * second.x)  # its loss is another size, which a shared weight cannot hide
    both = GivenBatch(*(np.concatenate([a, b]) for a, b in zip(_parts(first), _parts(second), strict=True)))
    count = max(PAIRS, -(-bench.declared.batch // 2))
    halves, mixed = [0] * count + [1] * count, [1, 0] * count
    orders = {"halves": halves, "mixed": mixed, "a alone": [0, 0] * count, "b alone": [1, 1] * count}
    found = {
        name: _vector(bench.evaluate(POLYNOMIAL, parameters, both.rows(places)).gradient)
        for name, places in orders.items()
    }
    mean = (found["a alone"] + found["b alone"]) / 2
    size = float(np.linalg.norm(mean))
    halved, mixed_up = (float(np.linalg.norm(found[name] - mean)) / size for name in ("halves", "mixed"))
    limit = 10 * bench.declared.allowed
    off = max(halved, mixed_up) if np.isfinite([halved, mixed_up]).all() else float("nan")
    repair = "" if off <= limit else _company(bench, parameters, both.rows(halves), found["halves"], limit)
    if repair:
        bench.conduct = replace(bench.conduct, weight_of="batch")
    elif not abs(halved - mixed_up) <= limit:
        repair = "let no sample's loss depend on its place in the batch"
    detail = (
        f"two samples in one batch have a gradient that is off by {halved:.3g} of the mean of both alone where each "
        f"has a half of the batch, and by {mixed_up:.3g} where they take turns"
    )
    names = sorted(parameters)
    worst = int(np.argmax(np.maximum(*(np.abs(found[order] - mean) for order in ("halves", "mixed")))))
    shown = tuple(
        trial(POLYNOMIAL, parameters, both.rows(orders[order]), names[worst], found[order][worst], f"{mean[worst]:.9g}")
        for order in ("halves", "mixed")
    )
    return [by_number("LOSS-001", "company and order", off, limit, detail=detail, repair=repair, trials=shown)]


def _company(bench: Bench, parameters: Mapping[str, float], batch: GivenBatch, found: np.ndarray, limit: float) -> str:
    """What would explain a sample's dependence on the others: one weight for all."""
    shared = bench.setting(POLYNOMIAL, parameters, batch, weight_of="batch").expected().gradient
    law = _vector(shared)
    near = np.linalg.norm(found / np.linalg.norm(found) - law / np.linalg.norm(law)) <= 100 * limit
    return "weigh each sample by its own loss and not by the batch's" if near else ""


def _parts(batch: GivenBatch) -> tuple[np.ndarray, ...]:
    return batch.x, batch.e, batch.r, batch.t, batch.y


def _vector(gradient: Mapping[str, float]) -> np.ndarray:
    return np.array([gradient[name] for name in sorted(gradient)])


def value(bench: Bench) -> list[Result]:
    """The loss of a network whose output is zero has the value that its closed form gives."""
    if bench.declared.value == "other":
        return [Result(law_id="PRED-002", fact="loss of a zero output", status=Status.NOT_APPLICABLE,
                       detail="the code returns a value that no law speaks of")]  # fmt: skip
    generator = bench.generator(11)
    parameters = dict.fromkeys(bench.parameters(generator), 0.0)
    batch = bench.sample(generator, flat=False)
    found = bench.evaluate(POLYNOMIAL, parameters, batch).value
    expected = bench.setting(POLYNOMIAL, parameters, batch).expected()
    named = {"weighted": expected.value, "raw": expected.raw}
    law = named[bench.declared.value]
    other = "raw" if bench.declared.value == "weighted" else "weighted"
    limit = min(INITIAL_TOLERANCE, 1e4 * bench.declared.allowed)
    off = abs(found - law) / abs(law)
    repair = f"declare `value` {other}" if abs(found - named[other]) <= limit * abs(named[other]) else ""
    repair = repair or _multiple(bench, parameters, batch, found / law, limit)
    detail = f"a network that puts out zero has the loss {found:.9g}, by law {law:.9g} ({bench.declared.value})"
    kept = (trial(POLYNOMIAL, parameters, batch, "", found, f"{law:.9g}"),)
    return [by_number("PRED-002", "loss of a zero output", off, limit, detail=detail, repair=repair, trials=kept)]


def _multiple(bench: Bench, parameters: Mapping[str, float], batch: GivenBatch, ratio: float, limit: float) -> str:
    """A factor that is the same for other data: the value is that multiple of the loss whose gradient it has."""
    larger = replace(batch, x=3 * batch.x)
    found = bench.evaluate(POLYNOMIAL, parameters, larger).value
    expected = bench.setting(POLYNOMIAL, parameters, larger).expected()
    law = expected.value if bench.declared.value == "weighted" else expected.raw
    same = abs(found / law - ratio) <= limit * abs(ratio)
    return f"return the loss whose gradient it has, and not {ratio:.6g} times that" if same else ""
