"""The ledger of the review's claims: complete, consistent, and each row has its test."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from neuromf_spec.claims import ClaimVerdict, Kind, ReviewClaim, claims, parse
from neuromf_spec.registry import laws

ROOT = Path(__file__).parents[3]
FIRST_READING = 62
"""Claims that were judged in the order of the review."""
EVERY_CLAIM = pytest.mark.parametrize("row", claims(), ids=lambda row: row.id)


def functions_of(path):
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def test_the_review_is_covered():
    """At least 40 claims are judged, of every kind and with every verdict."""
    assert len(claims()) >= 40
    assert {row.kind for row in claims()} == set(Kind)
    assert {row.verdict for row in claims()} == set(ClaimVerdict)


def test_ids_count_up_and_quotes_are_unique():
    """Ids are CLAIM-01 and so on without a gap, sections rise, and no sentence of the review is judged twice.

    An id stays with its claim: those judged after the first reading follow it, whatever their section.
    """
    assert [row.id for row in claims()] == [f"CLAIM-{number:02}" for number in range(1, len(claims()) + 1)]
    sections = [tuple(map(int, row.section.split("."))) for row in claims()]
    assert sections[:FIRST_READING] == sorted(sections[:FIRST_READING])
    assert len({row.quote for row in claims()}) == len(claims())


@EVERY_CLAIM
def test_row_is_complete(row):
    """A row has something in every field, a claim in one sentence, a note of one or two, and known laws."""
    assert all(getattr(row, field.name) for field in fields(ReviewClaim))
    assert re.fullmatch(r"[^ ].*[^ .]\.", row.claim)
    assert ". " not in row.claim
    assert row.note.endswith(".")
    assert row.note.count(". ") <= 1
    assert set(row.laws) <= set(laws())
    assert len(set(row.laws)) == len(row.laws)


@EVERY_CLAIM
def test_row_names_a_test_that_exists(row):
    """The test of a row is a function of the file it names."""
    path, _, name = row.test.partition("::")
    assert name.startswith("test_")
    assert name in functions_of(ROOT / path)


def test_every_test_of_claims_is_named_by_a_row():
    """No test of a claims file is left over when its row is gone, but for the one that proves the replay."""
    named = {row.test for row in claims()}
    written = {
        f"tests/laws/{path.name}::{name}"
        for path in (ROOT / "tests/laws").glob("test_claims_*.py")
        for name in functions_of(path)
        if name.startswith("test_")
    }
    assert written - named == {"tests/laws/test_claims_causes.py::test_failed_settings_repeat_the_signature"}


ROW = "\n".join(["[[claim]]", *(f'{field.name} = "x"' for field in fields(ReviewClaim) if field.name != "laws")])
VALID = (ROW + "\nlaws = []").replace('kind = "x"', 'kind = "cause"').replace('verdict = "x"', 'verdict = "holds"')


def test_a_ledger_is_read_row_by_row():
    """Each row becomes a claim, with its kind and verdict as members of their enumerations."""
    (row,) = parse(VALID)
    assert (row.id, row.kind, row.verdict, row.laws) == ("x", Kind.CAUSE, ClaimVerdict.HOLDS, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (VALID + '\nremark = "x"', "remark"),
        (VALID.replace('note = "x"', ""), "note"),
        (VALID.replace("holds", "perhaps"), "'perhaps' is not a valid ClaimVerdict"),
        (VALID.replace("cause", "guess"), "'guess' is not a valid Kind"),
        (VALID + "\n" + VALID, "id x is used by two claims"),
        ("[[claim]", "Expected"),
    ],
)
def test_a_malformed_ledger_is_refused(text, message):
    """An unknown or missing key, an unknown verdict or kind, an id used twice and broken TOML are ValueErrors."""
    with pytest.raises(ValueError, match=message):
        parse(text)
