"""What a run may say of scans that it does not train on."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import measured
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

FEWEST_PAIRS = 4
"""Scans of either split from which the gap has an interval: of three, twice as many healthy runs would be called so."""
CONFIDENCE = 0.999
"""Of the gap's two-sided interval. A run is looked at 50 times: at 0.99, 5 % of healthy ones were called memorising in
simulation, at 0.999 1 % at most (tests/laws/test_law_validation.py)."""
LEAST_GAP = 0.1
"""Share of the training scans' loss below which a gap is not told of, however sure it is."""
MOST_OF_THE_RUN = 0.2
"""Share of a run's arithmetic that validations may take untold."""


def something_to_validate(
    *, subjects: int, training_subjects: int, metric: str, data_proportion: float, dual: bool = False
) -> Finding:
    """Judge what a run would validate on, and by.

    Args:
        subjects: of the validation split.
        training_subjects: of the training split.
        metric: `val_total`, `val_fm` or `val_mf`.
        data_proportion: share of samples with r = t.
        dual: whether a flow-matching term is trained besides.
    """
    trained = {"val_total": True, "val_fm": dual or data_proportion > 0, "val_mf": data_proportion < 1}[metric]
    scans = min(subjects, training_subjects)
    passed = scans >= 1 and trained
    few = passed and scans < FEWEST_PAIRS
    untrained = "" if trained else f", and {metric} of samples that the run does not train on"
    return Finding(
        passed=passed,
        value=f"{subjects}{untrained}",
        bound=">= 1, and a loss that is trained",
        unit="subjects to validate on",
        detail=f"with fewer than {FEWEST_PAIRS} pairs of scans the gap has no interval, and memorising is not judged"
        if few
        else "",
        passing_value="" if trained or scans < 1 else "training.validation_metric=val_total",
        severity=Severity.INFO if few else None,
    )


def stop_can_come(*, patience: int, validations: int) -> Finding:
    """Judge whether so many validations in a row without a new best can come before the last one.

    Args:
        patience: in validations.
        validations: of the whole run.
    """
    longest = validations - 2
    usable = f"training.early_stop_patience={longest}"
    never = "training.early_stop_patience=null training.early_stop_min_improvement=0.0"
    return at_most(
        patience,
        longest,
        unit="validations",
        detail=f"the run has {validations}: the first is a best, and after the last there is nothing to stop",
        passing_value=usable if longest >= 1 else never,
    )


def validation_share(*, share: float) -> Finding:
    """Judge the share of a run's arithmetic that its validations take."""
    return at_most(
        100 * share, 100 * MOST_OF_THE_RUN, unit="% of the run's arithmetic", detail="by counts of network passes"
    )


def validation_repeats(*, differing: Collection[str]) -> Finding:
    """Judge what came out otherwise where a run was cut in another way: ranks, micro-batches, interruptions."""
    return Finding(
        passed=not differing, value=", ".join(sorted(differing)) or "none", bound="none", unit="differing numbers"
    )


def no_gap(*, gap: float, gap_low: float) -> Finding:
    """Judge by which share the loss of held-out scans is above that of trained ones.

    Args:
        gap: the share, of samples with the same noise and times.
        gap_low: lower end of its interval; NaN where there is none, and then nothing is judged.
    """
    sure = gap_low > 0
    return Finding(
        passed=not sure or gap <= LEAST_GAP,
        value=100 * gap,
        bound=f"<= {100 * LEAST_GAP:g}, or an interval that reaches 0",
        unit="% above the training scans' loss",
        detail="" if math.isnan(gap_low) else f"at least {100 * gap_low:.3g} % with {100 * CONFIDENCE:g} % confidence",
    )


def best_is_lowest(*, kept: float, values: Sequence[float]) -> Finding:
    """Judge the value that a best checkpoint was kept for against all validations so far."""
    lowest = min((value for value in values if math.isfinite(value)), default=math.nan)
    return Finding(passed=kept == lowest, value=kept, bound=f"= {lowest:.6g}", unit="of the metric, the lowest so far")


LAWS = (
    Law(
        id="VAL-001",
        title="there is something to validate on",
        statement="A run that validates has a subject in the validation split and judges a loss that it trains.",
        equation=r"|S_{\mathrm{val}}| \ge 1",
        sources=(measured("tests/laws/test_law_validation.py"),),
        severity=Severity.BLOCK,
        predicate=something_to_validate,
        example={"subjects": 6, "training_subjects": 54, "metric": "val_total", "data_proportion": 0.75},
        counterexample={"subjects": 0, "training_subjects": 60, "metric": "val_total", "data_proportion": 0.75},
        remedy="Give the validation split a share of data.split_ratios, or set training.validate_every_epochs=0.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
    ),
    Law(
        id="VAL-002",
        title="an early stop can come",
        statement="The patience of an early stop is at least two validations shorter than the run.",
        equation=r"p \le n_{\mathrm{val}} - 2",
        sources=(measured("tests/laws/test_law_validation.py"),),
        severity=Severity.BLOCK,
        predicate=stop_can_come,
        example={"patience": 10, "validations": 50},
        counterexample={"patience": 50, "validations": 50},
        remedy="Lower training.early_stop_patience, or validate more often.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
    ),
    Law(
        id="VAL-003",
        title="validation is cheap",
        statement="Validations take at most a fifth of a run's arithmetic; a larger share is noted.",
        equation=r"C_{\mathrm{val}} / (C_{\mathrm{val}} + C_{\mathrm{train}}) \le 0.2",
        sources=(measured("tests/laws/test_law_validation.py"),),
        severity=Severity.INFO,
        predicate=validation_share,
        example={"share": 0.03},
        counterexample={"share": 0.4},
        remedy="Raise training.validate_every_epochs or lower training.validation_scans.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        basis=Basis.DEMANDED,
    ),
    Law(
        id="VAL-004",
        title="a validation repeats itself",
        statement="A validation's numbers depend on weights, seed and scans alone, not on ranks, micro-batches or "
        "interruptions, and its noise and times are those of every other validation of the run.",
        equation=r"L_{\mathrm{val}}(\bar\theta) = \frac1{nK}\sum_{i,k} \ell(\bar\theta; x_i, e_{ik}, r_{ik}, t_{ik})",
        sources=(measured("tests/equivalence/test_validation.py"),),
        severity=Severity.BLOCK,
        predicate=validation_repeats,
        example={"differing": ()},
        counterexample={"differing": ("val_mf",)},
        remedy="Draw noise and times from the seed and the scan's place alone, and judge a scan in a pass of its own.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN}),
    ),
    Law(
        id="VAL-005",
        title="held-out scans fare as well",
        statement="The averaged weights' loss on held-out scans is at most a tenth above that on as many training "
        "scans, unless the interval of the difference reaches 0.",
        equation=r"\Delta = \exp\overline{\log(\ell_{\mathrm{val}}/\ell_{\mathrm{train}})} - 1,\quad"
        r" \Delta \le 0.1 \lor 0 \in \mathrm{CI}_{99.9\%}(\Delta)",
        sources=(measured("tests/golden/test_memorising.py"),),
        severity=Severity.WARN,
        predicate=no_gap,
        example={"gap": 0.02, "gap_low": 0.001},
        counterexample={"gap": 0.5, "gap_low": 0.3},
        remedy="Take the best checkpoint, train on more subjects, augment, or stop earlier: the network knows its "
        "training scans by heart.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN, Enforcer.RUNTIME}),
        basis=Basis.REPLAYED,
    ),
    Law(
        id="VAL-006",
        title="the best is the lowest",
        statement="The best checkpoint is that of the lowest validation so far, the first of equals.",
        equation=r"k^* = \min\,\arg\min_k L_{\mathrm{val}}(\bar\theta_k)",
        sources=(measured("tests/equivalence/test_validation.py"),),
        severity=Severity.BLOCK,
        predicate=best_is_lowest,
        example={"kept": 0.8, "values": (0.9, 0.8, 0.85)},
        counterexample={"kept": 0.9, "values": (0.9, 0.8, 0.85)},
        remedy="Keep a checkpoint where the metric is below every one before it.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN}),
    ),
)
