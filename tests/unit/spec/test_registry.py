"""The registry of laws: complete, consistent, and each law can fail."""

import math

import pytest
from neuromf_spec.law import Severity
from neuromf_spec.registry import law, laws

EVERY_LAW = pytest.mark.parametrize("law_id", laws())


@EVERY_LAW
def test_counterexample_breaks_the_law(law_id):
    """A law's counterexample fails its predicate, and says with which value against which bound."""
    entry = law(law_id)
    finding = entry.predicate(**entry.counterexample)
    assert not finding.passed
    assert finding.bound


@EVERY_LAW
def test_example_satisfies_the_law(law_id):
    """A law's example passes its predicate, and asks nothing of the user."""
    entry = law(law_id)
    finding = entry.predicate(**entry.example)
    assert finding.passed
    assert finding.passing_value == ""
    assert finding.severity in (None, Severity.INFO)


@EVERY_LAW
def test_entry_is_complete(law_id):
    """A law has a one-sentence statement and remedy, an equation, a source and an enforcer."""
    entry = law(law_id)
    for sentence in (entry.statement, entry.remedy):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert ". " not in sentence
    assert entry.equation
    assert entry.sources
    assert entry.enforcers


def test_ids_are_ordered_and_unknown_ids_are_refused():
    """Laws come family by family with rising numbers, and an unknown id is a KeyError that names it."""
    ids = list(laws())
    families = list(dict.fromkeys(law_id.split("-")[0] for law_id in ids))
    assert ids == [law_id for family in families for law_id in sorted(ids) if law_id.split("-")[0] == family]
    with pytest.raises(KeyError, match="XYZ-999"):
        law("XYZ-999")


def test_callers_cannot_change_the_registry():
    """The dictionary of laws is the caller's own copy."""
    laws().clear()
    assert laws()


MEASURED = [
    ("PATH-001", "error"),
    ("TIME-001", "smallest_gap"),
    ("TIME-001", "largest_t"),
    ("TIME-003", "statistic"),
    ("TIME-005", "probability"),
    ("ID-001", "residual"),
    ("JVP-001", "error"),
    ("JVP-002", "error"),
    ("JVP-005", "time_scale"),
    ("JVP-006", "rho"),
    ("PRED-001", "difference"),
    ("PRED-002", "measured"),
    ("PRED-002", "expected"),
    ("WGT-001", "weight"),
    ("WGT-002", "loss"),
    ("WGT-002", "norm_eps"),
    ("WGT-005", "loss"),
    ("LR-001", "multiplier"),
    ("LR-002", "multiplier"),
    ("LOSS-001", "difference"),
    ("BATCH-002", "difference"),
    ("GUARD-001", "divergence_threshold"),
    ("GUARD-003", "largest"),
    ("NUM-001", "loss"),
    ("NUM-001", "gradient_norm"),
]


GRAVITY = (Severity.INFO, Severity.WARN, Severity.POLICY, Severity.BLOCK)


@pytest.mark.parametrize(("law_id", "argument"), MEASURED)
def test_nan_breaks_the_law(law_id, argument):
    """A measured NaN fails with the law's own severity or a higher one, whatever it is compared with."""
    entry = law(law_id)
    finding = entry.predicate(**{**entry.example, argument: math.nan})
    assert not finding.passed
    assert GRAVITY.index(finding.severity or entry.severity) >= GRAVITY.index(entry.severity)
