"""How many samples an update sees."""

from __future__ import annotations

import math
from dataclasses import replace

from neuromf_spec.bounds import at_least, at_most
from neuromf_spec.citations import meanflow, measured, public_code, published, review
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

FEWEST_MF_SAMPLES, NOISY_MF_SAMPLES = 16.0, 4.0
"""Relative standard errors of 25 % and 50 % on the MF gradient. The review asks for 32 and calls 4 very noisy. A
released model was trained with 7.2 (MeanFlowSE), so that nothing is known to fail between the two."""
SPLIT_TOLERANCE = 2e-6
"""Relative, float32: two orders of summing an update's gradients differ by 2e-7 on the small net; ten times that."""
COMMON_SHARE = 0.25
"""MF samples at the review's and ImageNet's data_proportion 0.75."""


def accumulation(needed: int, run: tuple[int, int] | None) -> str:
    """Overrides that accumulate over `needed` micro-batches, in a run that is long enough for one such update.

    Args:
        needed: micro-batches of an update.
        run: epochs, and micro-batches of one rank in an epoch; None where they are not known.
    """
    advised = f"training.gradient_accumulation_steps={needed}"
    if run is None or run[0] * run[1] >= needed:
        return advised
    return f"{advised} training.epochs={math.ceil(needed / run[1])}"


def mf_samples_per_update(
    *,
    batch_size_per_gpu: int,
    gpus: int,
    gradient_accumulation_steps: int,
    data_proportion: float,
    run: tuple[int, int] | None = None,
) -> Finding:
    """Judge the expected number of samples with r < t in one update, and tell of micro-batches that no update takes.

    Args:
        batch_size_per_gpu: samples of a micro-batch.
        gpus: ranks.
        gradient_accumulation_steps: micro-batches of an update.
        data_proportion: share of samples with r = t.
        run: epochs, and micro-batches of one rank in an epoch; None where they are not known.
    """
    per_step = batch_size_per_gpu * gpus
    effective = per_step * gradient_accumulation_steps
    share = 1 - data_proportion
    if share == 0:
        return Finding(passed=True, value=0.0, bound="any", unit="MF samples", detail="none are drawn: law TIME-007")
    # Suggested for a quarter of MF samples at most, so that it still passes when TIME-006 has its way.
    needed = math.ceil(FEWEST_MF_SAMPLES / (min(share, COMMON_SHARE) * per_step) - 1e-9)
    expected = round(share * effective, 9)
    finding = at_least(
        expected,
        FEWEST_MF_SAMPLES,
        unit="MF samples",
        detail=f"effective batch {effective} = {batch_size_per_gpu} per GPU x {gpus} GPUs x "
        f"{gradient_accumulation_steps} micro-batches, {100 * share:g} % of it with r < t",
        passing_value=accumulation(needed, run),
    )
    left = "" if run is None else _left_over(*run, gradient_accumulation_steps)
    severity = Severity.INFO if left and finding.passed else finding.severity
    if not finding.passed and expected >= NOISY_MF_SAMPLES:
        severity = Severity.INFO
    return replace(finding, detail=finding.detail + left, severity=severity)


def _left_over(epochs: int, per_epoch: int, accumulated: int) -> str:
    """What is told of a run whose last micro-batches are too few for an update; empty where none are left."""
    total = epochs * per_epoch
    if not total % accumulated:
        return ""
    epoch_step, batch_step = (accumulated // math.gcd(other, accumulated) for other in (per_epoch, epochs))
    enough_epochs, enough_batches = (
        math.ceil(count / step) * step for count, step in ((epochs, epoch_step), (per_epoch, batch_step))
    )
    return (
        f"; the last {total % accumulated} of {total:,} micro-batches are too few for an update and train nothing: "
        f"training.epochs={enough_epochs} or training.micro_batches_per_epoch={enough_batches} would use all"
    )


def equal_updates(*, difference: float) -> Finding:
    """Judge ||a - b|| / ||b|| of an update's gradient when the same samples are cut up in two ways."""
    return at_most(difference, SPLIT_TOLERANCE, unit="relative")


LAWS = (
    Law(
        id="BATCH-001",
        title="enough MF samples",
        statement="An update averages at least 16 MF samples of its batch, which is micro-batch x GPUs x accumulation.",
        equation=r"(1 - p)\,B_{\mathrm{micro}}\,N_{\mathrm{gpu}}\,k \ge 16",
        sources=(
            review("section 4.1, E2"),
            meanflow("Table 4, batch size 256"),
            published("liduojia1/MeanFlowSE, 7.2 MF samples an update"),
        ),
        severity=Severity.WARN,
        basis=Basis.PUBLISHED,
        predicate=mf_samples_per_update,
        example={"batch_size_per_gpu": 8, "gpus": 2, "gradient_accumulation_steps": 8, "data_proportion": 0.75},
        counterexample={"batch_size_per_gpu": 4, "gpus": 2, "gradient_accumulation_steps": 1, "data_proportion": 0.75},
        remedy="Accumulate gradients over more micro-batches.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("B2",),
    ),
    Law(
        id="BATCH-002",
        title="the cut changes nothing",
        statement="Accumulating k micro-batches of B, on any number of ranks, is one batch of kB.",
        equation=r"\tfrac{1}{kB}\sum_{j=1}^{k}\sum_{i=1}^{B}\nabla \tilde L_{ij} = \nabla\Bigl("
        r"\tfrac{1}{kB}\sum_{i=1}^{kB}\tilde L_i\Bigr)",
        sources=(
            review("section 4.1, E2"),
            public_code("time_sampler.py:70"),
            measured("tests/equivalence/test_ranks.py"),
        ),
        severity=Severity.BLOCK,
        predicate=equal_updates,
        example={"difference": 2e-7},
        counterexample={"difference": 1.0},
        remedy="Divide by the effective batch, and draw each sample by its number in the run.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN}),
        kills=("B1", "B3", "B4"),
    ),
)
