"""The catalogue of faults: every row fits the code, and every known fault has a row."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from neuromf_spec.registry import laws

from neuromf.errors import InputError
from tools.faults.catalogue import absent, faults, parse_catalogue, select

ROOT = Path(__file__).parents[3]
EVERY_FAULT = pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.id)
SURVIVES, DEFECT, OPERATOR = "public code: survives its suite #", "public code: defect B", "operator "
COUNTS = {"L": "123456", "T": "1234", "J": "1234567", "O": "12345", "S": "1235", "E": "1235", "D": "1234", "B": "12345"}
COUNTS |= {"N": "23", "C": "1235", "M": "134", "X": "13"}
KNOWN = {f"{SURVIVES}{number}" for number in range(1, 33)} | {f"{DEFECT}{number}" for number in range(29)}
KNOWN |= {f"{OPERATOR}{family}{number}" for family, numbers in COUNTS.items() for number in numbers}
OWN = {
    "comparator",
    "sweep",
    "export",
    "loss power",
    "loss mask",
    "review of the code",
    "covariates and guidance",
    "in CI",
    "severity by evidence",
    "another code",
    "a loop of any code",
    "validation",
    "samples",
    "real cohorts",
    "real hardware",
    "rehearsal on SLURM",
    "long runs",
    "random changes",
} | {f"checks checked: {name}" for name in "ABCDEFGHI"}
OUTSIDE = {f"used from outside: {number}" for number in range(1, 22)}
CHECKED = {f"checks checked: {letter}" for letter in "ABCDEFGHI"}
ROW = """
[[fault]]
id = "a"
title = "b"
origins = ["operator L1"]
file = "c"
find = "d"
replace = "e"
tests = ["f"]
law = ""
"""


@cache
def functions_of(path):
    """Names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@EVERY_FAULT
def test_the_text_to_replace_stands_once_in_its_file(fault):
    """The text is found exactly once, and what takes its place is another text that Python, or YAML, can parse."""
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.find) == 1
    assert fault.replace != fault.find
    (ast.parse if fault.file.endswith(".py") else yaml.safe_load)(text.replace(fault.find, fault.replace))


@EVERY_FAULT
def test_its_tests_exist(fault):
    """Each test that must notice is a file of this checkout or a function in one."""
    for test in fault.tests:
        path, _, function = test.partition("[")[0].partition("::")
        assert not function or function in functions_of(path)
        assert functions_of(path)


@EVERY_FAULT
def test_its_law_exists(fault):
    """The law is one of the registry's, or there is none."""
    assert not fault.law or fault.law in laws()


def test_ids_are_short_names():
    """Ids are unique, in lower case, with hyphens."""
    ids = [fault.id for fault in faults()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in ids)


def test_every_known_fault_has_a_place_or_a_reason():
    """The public code's 32 survivors and 29 defects and the 50 operators are ours, or absent for a reason."""
    covered = {origin for row in (*faults(), *absent()) for origin in row.origins}
    assert covered - OWN - OUTSIDE - CHECKED == KNOWN


def test_nothing_is_both_present_and_absent():
    """What is listed as absent is no fault's origin."""
    assert not {o for row in absent() for o in row.origins} & {o for fault in faults() for o in fault.origins}


def test_every_operator_that_a_law_kills_is_known():
    """Each operator in a law's `kills` is a fault of the catalogue or listed as absent."""
    covered = {origin for row in (*faults(), *absent()) for origin in row.origins}
    assert {f"{OPERATOR}{kill}" for law in laws().values() for kill in law.kills} <= covered


def test_faults_are_selected_by_id():
    """Named faults come in the order of the catalogue, and all of them when none is named."""
    assert [fault.id for fault in select(["target-sign", "path-reversed"])] == ["path-reversed", "target-sign"]
    assert select([]) == faults()


def test_an_unknown_id_is_refused():
    """A misspelt id is answered with the nearest."""
    with pytest.raises(InputError, match="did you mean 'path-reversed'"):
        select(["path-reverse"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[[fault]]", "[[fault]", "not TOML"),
        ("[[fault]]", "[[mistake]]", "unknown table 'mistake'"),
        ('title = "b"\n', "", "'title' is missing"),
        ('title = "b"', 'titel = "b"\ntitle = "b"', "'titel' is unknown"),
        ('title = "b"', "title = 3", "'title' is 3, not a text"),
        ('["f"]', '"f"', "not a list of texts"),
        ('["f"]', "[]", "not a list of texts"),
        (ROW, ROW + ROW, "used twice"),
    ],
)
def test_a_wrong_row_is_refused_in_a_sentence(old, new, words):
    """A catalogue that cannot be read names file, row and key."""
    assert parse_catalogue(ROW)[0][0].id == "a"
    with pytest.raises(InputError, match=words) as caught:
        parse_catalogue(ROW.replace(old, new, 1))
    assert "catalogue.toml" in caught.value.sentence
