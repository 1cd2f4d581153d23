"""Covariates are written as one line each, and what cannot be meant is refused by what it says."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.config import load_config
from neuromf.config.covariates import Covariate, covariate_width, parse_covariate, parse_covariates
from neuromf.config.resolve import config_hash, resolved_text
from neuromf.errors import InputError

COLUMNS = 'covariates.columns=["age=20..90", "sex=F|M"]'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age=20..90", Covariate("age", bounds=(20.0, 90.0))),
        ("delta = -1.5 .. 2e1", None),
        ("delta=-1.5..2e1", Covariate("delta", bounds=(-1.5, 20.0))),
        ("sex=F|M", Covariate("sex", classes=("F", "M"))),
        (" site = a b | c.d ", Covariate("site", classes=("a b", "c.d"))),
    ],
)
def test_a_line_names_a_column_and_its_values(text, expected):
    """Two numbers with two points between them, or classes with bars."""
    if expected is None:
        with pytest.raises(ValueError, match="write NAME=LOW"):
            parse_covariate(text)
    else:
        assert parse_covariate(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age", "write NAME="),
        ("", "write NAME="),
        ("=1..2", "write NAME="),
        ("=F|M", "write NAME="),
        ("sex=F", "write NAME="),
        ("sex=F||M", "write NAME="),
        ("sex=F|M|F", "name each class once"),
        ("age=90..20", "smaller number first"),
        ("age=5..5", "smaller number first"),
        ("age=1e400..2e400", "smaller number first"),
        ("age=-1.7e308..1.7e308", "smaller number first"),
        ("age=--3..4", "smaller number first"),
    ],
)
def test_a_line_that_is_none_is_refused(text, said):
    """With what to write instead."""
    with pytest.raises(ValueError, match=said):
        parse_covariate(text)


def test_two_columns_of_one_name_are_refused():
    """One of them would be without effect."""
    with pytest.raises(ValueError, match="name each covariate once, unlike 'age'"):
        parse_covariates(("age=1..2", "age=a|b"))


@given(value=st.floats(20, 90))
def test_a_number_is_known_and_within_one(value):
    """The bounds become -1 and 1, and between them it is linear."""
    known, place = parse_covariate("age=20..90").encode(repr(value))
    assert known == 1
    assert place == pytest.approx((value - 55) / 35, abs=1e-12)


@pytest.mark.law("COV-001")
@pytest.mark.parametrize("text", ["", "n/a", "NaN", " NA ", "unknown"])
def test_what_is_not_known_is_zero(text):
    """Of a number and of classes alike, so that it is told from every value."""
    assert parse_covariate("age=0..90").encode(text) == (0.0, 0.0)
    assert parse_covariate("sex=F|M").encode(text) == (0.0, 0.0)


def test_a_class_may_have_the_name_of_nothing():
    """Who lists a class means it."""
    assert parse_covariate("carrier=na|yes").encode("na") == (1.0, 0.0)


@pytest.mark.parametrize(
    ("line", "text"), [("age=20..90", "91"), ("age=20..90", "old"), ("age=20..90", "inf"), ("sex=F|M", "f")]
)
def test_a_value_that_is_none_is_refused(line, text):
    """Outside the bounds, no number, or of no class."""
    with pytest.raises(ValueError, match=r"is not (a number from 20 to 90|one of F, M)"):
        parse_covariate(line).encode(text)


@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=4), min_size=2, max_size=6, unique=True)
)
def test_classes_are_told_apart(names):
    """Each has an input of its own."""
    one = Covariate("kind", classes=tuple(names))
    assert len({one.encode(name) for name in names}) == len(names)
    assert one.width == len(names)


def test_the_network_has_an_input_for_each_number():
    """Two of a number, one of a class."""
    assert covariate_width(("age=20..90", "sex=F|M", "site=a|b|c")) == 7
    assert covariate_width(()) == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["covariates.dropout=0.2"], "dropout has no effect without columns"),
        (["meanflow.guidance_scale=2.0"], "no effect without covariates.columns"),
        (["meanflow.guidance_mixing=0.5"], "no effect without covariates.columns"),
        ([COLUMNS, "covariates.dropout=0.0", "meanflow.guidance_scale=2.0"], "needs covariates.dropout above 0"),
        ([COLUMNS, "meanflow.guidance_interval=[0.1, 0.9]"], "guidance_interval has no effect"),
        ([COLUMNS, "meanflow.guidance_scale=2.0", "meanflow.guidance_interval=[0.9, 0.1]"], "must rise"),
        (['covariates.columns=["age"]'], "write NAME=LOW..HIGH"),
    ],
)
def test_a_setting_without_effect_is_refused(settings, said):
    """As everywhere: an option that would do nothing is an error."""
    with pytest.raises(InputError, match=said):
        load_config(["smoke"], settings)


def test_covariates_are_part_of_the_hash_and_of_the_text(tmp_path):
    """A resolved configuration is read back as it was."""
    config = load_config(["smoke"], [COLUMNS, "meanflow.guidance_scale=2.5", "meanflow.guidance_interval=[0.1, 1.0]"])
    assert config_hash(config) != config_hash(load_config(["smoke"]))
    path = tmp_path / "config.yaml"
    path.write_text(resolved_text(config))
    assert load_config([str(path)]) == config
    assert math.prod(config.meanflow.guidance_interval) == pytest.approx(0.1)
