"""What a trainer can do wrong without any loss showing it; each is judged in the first ten steps and every fiftieth."""

from __future__ import annotations

from collections.abc import Sequence

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import measured, public_code, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

FIRST_STEPS, EVERY_STEPS = 10, 50
"""When a step is judged: each of the first, then every so many."""
LARGEST_DEVIATION = 6.0
"""Standard errors. Eight Gaussian moments are all within it but once in 60 million runs; latents that were not
normalised are off by hundreds."""


def judged_step(step: int) -> bool:
    """Whether the silent faults are looked for in optimiser step `step`."""
    return step < FIRST_STEPS or step % EVERY_STEPS == 0


def gradients_cleared(*, stale: int) -> Finding:
    """Judge the number of parameters that hold a gradient before a step's first backward pass."""
    return at_most(stale, 0, unit="parameters with a gradient of another step")


def steps_counted(*, recorded: int, counted: int) -> Finding:
    """Judge the run's number of updates against the optimiser's own."""
    return Finding(passed=recorded == counted, value=counted, bound=f"= {recorded}", unit="updates in the optimiser")


def replicas_equal(*, differing: Sequence[int]) -> Finding:
    """Judge, for each rank, how many parameters are not bit for bit those of rank 0."""
    apart = [f"{count} on rank {rank}" for rank, count in enumerate(differing) if count]
    return Finding(passed=not apart, value=", ".join(apart) or "0", bound="0 on every rank", unit="other parameters")


def first_batch(*, deviations: Sequence[float]) -> Finding:
    """Judge the first batch's channel means and mean squares.

    Args:
        deviations: of each from the training latents' own, in standard errors of so many samples.
    """
    broken = [value for value in deviations if not abs(value) <= LARGEST_DEVIATION]
    return Finding(
        passed=bool(deviations) and not broken,
        value=max((abs(value) for value in deviations), default=float("nan")) if not broken else abs(broken[0]),
        bound=f"<= {LARGEST_DEVIATION:g}",
        unit="standard errors off the manifest",
    )


def evaluation_leaves_state(*, before: str, after: str) -> Finding:
    """Judge a digest of weights, average and randomness taken before and after an evaluation."""
    return Finding(passed=before == after, value=after, bound=f"= {before}", unit="digest")


def step_repeats(*, differing: Sequence[str]) -> Finding:
    """Judge the quantities that came out otherwise when a step was run again from the same state."""
    listed = ", ".join(differing)
    return Finding(passed=not differing, value=listed or "none", bound="none", unit="quantities differ on a rerun")


LAWS = (
    Law(
        id="OPT-003",
        title="gradients start empty",
        statement="No parameter holds a gradient when a step's first backward pass begins.",
        equation=r"g^{(k)} = 0 \text{ before the first micro-batch}",
        sources=(measured("tests/equivalence/test_silent_faults.py"),),
        severity=Severity.BLOCK,
        predicate=gradients_cleared,
        example={"stale": 0},
        counterexample={"stale": 88},
        remedy="Clear the gradients once a step, before the first micro-batch.",
        enforcers=frozenset({Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("O2",),
    ),
    Law(
        id="OPT-004",
        title="counted steps are updates",
        statement="The run's step count is the number of updates that the optimiser itself has counted.",
        equation=r"k_{\mathrm{run}} = k_{\mathrm{Adam}}",
        sources=(review("section 3.2, RC2"), measured("tests/equivalence/test_silent_faults.py")),
        severity=Severity.BLOCK,
        predicate=steps_counted,
        example={"recorded": 120, "counted": 120},
        counterexample={"recorded": 120, "counted": 15},
        remedy="Advance the run's count with the optimiser's step and nowhere else.",
        enforcers=frozenset({Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("S3", "N2"),
    ),
    Law(
        id="EMA-003",
        title="evaluation changes nothing",
        statement="Drawing samples and validating during training leave weights, average, moments and randomness as "
        "they were.",
        equation=r"(\theta, \bar\theta, m, \xi)_{\mathrm{after}} = (\theta, \bar\theta, m, \xi)_{\mathrm{before}}",
        sources=(measured("tests/equivalence/test_silent_faults.py"),),
        severity=Severity.BLOCK,
        predicate=evaluation_leaves_state,
        example={"before": "a1b2", "after": "a1b2"},
        counterexample={"before": "a1b2", "after": "ffff"},
        remedy="Evaluate with the average as arguments of the net, not copied into it.",
        enforcers=frozenset({Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("C3",),
    ),
    Law(
        id="BATCH-003",
        title="replicas are equal",
        statement="After every update the parameters of all ranks are the same bits.",
        equation=r"\theta_i = \theta_0 \quad \forall i",
        sources=(measured("tests/equivalence/test_ranks.py"),),
        severity=Severity.BLOCK,
        predicate=replicas_equal,
        example={"differing": (0, 0)},
        counterexample={"differing": (0, 88)},
        remedy="Let every backward pass of a step's last micro-batch go through the wrapper.",
        enforcers=frozenset({Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("B3",),
    ),
    Law(
        id="DATA-003",
        title="first batch is the manifest's",
        statement="The first batch's channel moments are those of the training latents, within 6 standard errors.",
        equation=r"|\hat\mu_c - \mu_c| \le 6\,s_c/\sqrt{B}",
        sources=(review("section 4.3"), measured("tests/equivalence/test_silent_faults.py")),
        severity=Severity.BLOCK,
        predicate=first_batch,
        example={"deviations": (0.4, -1.2, 2.0, 0.1)},
        counterexample={"deviations": (0.4, 310.0, 2.0, 0.1)},
        remedy="Look between the latent store and the batch: something scales, shuffles or clips the data.",
        enforcers=frozenset({Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("D1",),
    ),
    Law(
        id="NUM-002",
        title="a step repeats itself",
        statement="Run again from the same state and randomness, a step that raised an alarm gives the same numbers.",
        equation=r"f(\theta_k, \xi_k) = f(\theta_k, \xi_k)",
        sources=(
            public_code("latent_meanflow.py:186, a NaN step replaced by zero"),
            measured("tests/equivalence/test_silent_faults.py"),
        ),
        severity=Severity.BLOCK,
        predicate=step_repeats,
        example={"differing": ()},
        counterexample={"differing": ("raw_total", "grad_norm")},
        remedy="Suspect memory, processor or a kernel that is not deterministic, and resume on another machine.",
        enforcers=frozenset({Enforcer.GOLDEN, Enforcer.RUNTIME}),
    ),
)
