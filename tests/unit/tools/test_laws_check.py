"""`python -m tools laws check` is green here, and red for each thing that can rot."""

import datetime
from dataclasses import replace

import pytest
from neuromf_spec.law import Basis, Enforcer, Severity, Source
from neuromf_spec.registry import law, laws
from neuromf_spec.sources import passages
from neuromf_spec.waivers import EXAMPLE, Waiver, parse_waivers, shipped_waivers

from neuromf.checkout import source_root
from neuromf.gate.enforcement import EnforcementPlace, enforcers, places
from neuromf.gate.result import LawResult
from neuromf.gate.waivers import apply_waivers, last_day
from tools.laws import check
from tools.laws.matrix import NONE, matrix

TODAY = datetime.date(2026, 11, 23)
ROOT = source_root()
FOUND = places(ROOT)


def test_the_laws_of_this_checkout_hold():
    """Every enforcer, source, claim, waiver and the matrix is as the registry says."""
    assert check.problems(ROOT, datetime.date.today()) == []


@pytest.mark.parametrize("enforcer", list(Enforcer))
def test_a_missing_enforcer_is_found(enforcer):
    """A law whose last test, check or reading is removed is named with the enforcer that is gone."""
    entry = next(entry for entry in laws().values() if enforcer in entry.enforcers)
    left = [place for place in FOUND if (place.law_id, place.enforcer) != (entry.id, enforcer)]
    (problem,) = check.enforcer_problems(laws().values(), left)
    assert entry.id in problem
    assert f"enforcer {enforcer.value}" in problem


def test_an_unnamed_enforcer_is_found():
    """A test that enforces a law by more than its entry names is found."""
    place = EnforcementPlace("PATH-001", Enforcer.STATIC, "somewhere.py", "check")
    (problem,) = check.enforcer_problems(laws().values(), [*FOUND, place])
    assert problem == "PATH-001 is enforced by S and does not name it"


def test_an_unknown_id_is_found():
    """A place that cites a law which is none is named."""
    (problem,) = check.enforcer_problems(
        laws().values(), [*FOUND, EnforcementPlace("XYZ-1", Enforcer.PROPERTY, "a.py", "test_a")]
    )
    assert "XYZ-1, which is no law" in problem


@pytest.mark.parametrize(("field", "word"), [("counterexample", "passes"), ("example", "fails")])
def test_a_predicate_that_cannot_tell_is_found(field, word):
    """A law whose counterexample passes, or whose example fails, is no law."""
    entry = law("TIME-004")
    other = entry.example if field == "counterexample" else entry.counterexample
    (problem,) = check.predicate_problems([replace(entry, **{field: other})])
    assert word in problem


def test_an_unpinned_source_is_found():
    """A law that cites a place which nobody pinned is named, and so is the pin that it no longer cites."""
    entries = [replace(entry, sources=(Source(reference="review", place="section 99"),)) for entry in laws().values()]
    found = list(check.source_problems(entries, ROOT))
    assert "review, section 99: cited by a law and not pinned in spec/neuromf_spec/sources.toml" in found
    assert sum("cited by no law" in problem for problem in found) == len(passages())


def test_a_changed_source_is_found(monkeypatch):
    """One letter more in a pinned passage is another hash."""
    changed = {key: replace(p, text=p.text + ".") if p.kind == "quote" else p for key, p in passages().items()}
    monkeypatch.setattr(check, "passages", lambda: changed)
    found = list(check.source_problems(laws().values(), ROOT))
    assert len(found) == sum(p.kind == "quote" for p in changed.values())
    assert all("another hash" in problem for problem in found)


def test_a_vanished_measurement_is_found(tmp_path):
    """A law that cites a test as its measurement falls with the test."""
    found = list(check.source_problems([law("JVP-003")], tmp_path))
    assert "tests/laws/test_law_finite_difference.py: cited as a measurement, and not there" in found


def waiver(**changes):
    base = {"law": "LR-003", "config": "failed_225", "reason": "a replay", "owner": "us", "expires": TODAY}
    return Waiver(**{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"law": "LR-999"}, "no such law"),
        ({"config": "nothing"}, "no such recipe"),
        ({"expires": TODAY - datetime.timedelta(days=1)}, "expired on 2026-11-22"),
        ({"config": "phase4c"}, "the law passes again"),
    ],
)
def test_a_waiver_that_should_not_be_is_found(changes, words):
    """A waiver of nothing, for nothing, out of date or no longer needed is a problem."""
    (problem,) = check.waiver_problems([waiver(**changes)], TODAY)
    assert words in problem


def test_a_waiver_that_is_needed_is_none():
    """On its last day, and with the law still broken, a waiver is in order."""
    assert list(check.waiver_problems([waiver()], TODAY)) == []


def test_a_stale_matrix_is_found():
    """One character that differs is a stale matrix."""
    assert list(check.matrix_problems(matrix(FOUND), FOUND)) == []
    assert len(list(check.matrix_problems(matrix(FOUND) + " ", FOUND))) == 1


def test_the_matrix_has_no_empty_cell():
    """Each law has a line; a cell is filled exactly where the law names the enforcer."""
    lines = [line for line in matrix(FOUND).splitlines() if line.startswith("| **")]
    assert len(lines) == len(laws())
    for line, entry in zip(lines, laws().values(), strict=True):
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert all(cells)
        for enforcer, cell in zip(Enforcer, cells[3:7], strict=True):
            assert (cell != NONE) == (enforcer in entry.enforcers), (entry.id, enforcer)


def test_marks_of_modules_classes_and_tests_are_read(tmp_path):
    """A mark counts whether it stands above a test or above the whole module."""
    folder = tmp_path / "tests" / "laws"
    folder.mkdir(parents=True)
    (folder / "test_a.py").write_text(
        'import pytest\npytestmark = [pytest.mark.law("A-1")]\n\n\n'
        '@pytest.mark.law("A-2")\n@given(x=law("B-9"))\ndef test_one():\n    law("B-1")\n\n\ndef helper():\n    pass\n'
    )
    (tmp_path / "neuromf").mkdir()
    (tmp_path / "neuromf" / "live.py").write_text('def f():\n    judge("R-1", x=1)\n    judged("R-2")\n')
    found = [place for place in places(tmp_path) if place.enforcer is not Enforcer.STATIC]
    assert enforcers(found)["A-1"] == {Enforcer.PROPERTY}
    assert {place.law_id for place in found} == {"A-1", "A-2", "B-9", "R-1"}


def result(status="block", law_id="LR-003"):
    texts = dict.fromkeys(("title", "key", "bound", "unit", "detail", "remedy", "source", "value_source"), "")
    return LawResult(law_id=law_id, status=status, value=74.0, passing_value="a.b=c", where="static", **texts)


def test_a_waived_law_does_not_block():
    """A broken law with a waiver for this configuration is waived, with owner, date and reason."""
    (waived,) = apply_waivers([result()], [waiver()], ["failed_225"], TODAY)
    assert waived.status == "waived"
    assert "us until 2026-11-23: a replay" in waived.detail


@pytest.mark.parametrize(
    ("given", "layers", "today", "status"),
    [
        (waiver(), ["phase4c"], TODAY, "block"),
        (waiver(law="LR-001"), ["failed_225"], TODAY, "block"),
        (waiver(), ["failed_225"], TODAY + datetime.timedelta(days=1), "block"),
    ],
)
def test_a_waiver_of_another_thing_or_time_changes_nothing(given, layers, today, status):
    """A waiver for another configuration, another law or yesterday does not help."""
    (left,) = apply_waivers([result()], [given], layers, today)
    assert left.status == status


@pytest.mark.parametrize(("named", "called"), [("phase4c", "corrected"), ("corrected", "phase4c")])
def test_a_waiver_for_a_recipe_counts_under_its_alias(named, called):
    """A recipe and its alias are one configuration, whichever the waiver names."""
    granted = [waiver(config=named)]
    (waived,) = apply_waivers([result()], granted, [called], TODAY)
    assert waived.status == "waived"
    assert last_day([waived], granted, [called]) == granted[0].expires


@pytest.mark.parametrize("status", ["pass", "info"])
def test_a_waiver_of_a_law_that_holds_blocks(status):
    """A waiver whose law passes again would hide the next break."""
    (blocked,) = apply_waivers([result(status)], [waiver()], ["failed_225"], TODAY)
    assert blocked.status == "block"
    assert "Remove the waiver" in blocked.remedy
    (explained,) = apply_waivers([replace(result(status), detail="0 of 400 steps")], [waiver()], ["failed_225"], TODAY)
    assert explained.detail.startswith("0 of 400 steps; waived by us")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (EXAMPLE.replace("owner", "boss"), "exactly the keys"),
        (EXAMPLE.replace("2027-01-31", '"2027-01-31"'), "is a date"),
        (EXAMPLE.replace("2027-01-31", "2027-01-31T00:00:00"), "is a date"),
        (EXAMPLE.replace('"LR-003"', '" "'), "not empty"),
        (EXAMPLE.replace('"LR-003"', "3"), "not empty"),
        ("waiver = 3", "list of tables"),
        ("waiver = [3]", "exactly the keys"),
        ("[[waiver", "Expected"),
    ],
)
def test_a_waiver_of_another_form_is_refused(text, words):
    """Nonsense in a waiver file is a sentence."""
    with pytest.raises(ValueError, match=words):
        parse_waivers(text)


def test_the_example_is_a_waiver_and_none_is_shipped():
    """What an error shows as a pattern can be read; the shipped recipes need no waiver."""
    assert parse_waivers(EXAMPLE)[0].law == "LR-003"
    assert shipped_waivers() == ()


def test_severities_are_those_of_the_design():
    """Laws inform where good runs do so too, warn where the odds are worse, and ask safety gear of our own runs."""
    by = {kind: {entry.id for entry in laws().values() if entry.severity is kind} for kind in Severity}
    assert by[Severity.INFO] == {"TIME-005", "TIME-006", "WGT-005", "VAL-003"}
    assert by[Severity.POLICY] == {"WGT-002", "GUARD-001"}
    assert by[Severity.WARN] == {
        "JVP-005", "JVP-006", "PRED-003", "WGT-006", "LR-003", "OPT-001", "OPT-006", "EMA-002", "BATCH-001", "PREC-002",
        "GUARD-006", "CFG-003", "DATA-008", "VAL-005", "LOSS-003",
    }  # fmt: skip


def test_a_law_of_the_mathematics_blocks_or_is_graded():
    """A law that rests on mathematics alone blocks, unless its number says by how much the odds are worse."""
    graded = {"EMA-002", "PREC-002", "PRED-003", "JVP-006", "GUARD-006", "LOSS-003"}
    mild = {e.id for e in laws().values() if e.basis is Basis.MATHEMATICS and e.severity is not Severity.BLOCK}
    assert mild == graded
