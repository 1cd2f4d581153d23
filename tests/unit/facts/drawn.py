"""Facts drawn at random, by the ranges that the schema states."""

from hypothesis import strategies as st
from pydantic import TypeAdapter

from neuromf.facts.schema import NONE_IS_KNOWN, Facts


def values_of(name):
    """Values that the schema admits for one fact, the extremes among them."""
    field = Facts.model_fields[name]
    stated = TypeAdapter(field.annotation).json_schema()
    part = next(one for one in stated.get("anyOf", [stated]) if one.get("type") != "null")
    drawn = _drawn(part)
    return st.one_of(drawn, st.none()) if name in NONE_IS_KNOWN else drawn


def _drawn(part):
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if part["type"] == "boolean":
        return st.booleans()
    if part["type"] == "string":
        return st.sampled_from(["adam", "adamw", "sgd"])
    if part["type"] == "integer":
        return st.integers(part["minimum"], part["maximum"])
    low, high = (part.get(side, part.get(f"exclusive{side.capitalize()}")) for side in ("minimum", "maximum"))
    return st.floats(
        low, high, exclude_min="exclusiveMinimum" in part, exclude_max="exclusiveMaximum" in part, allow_nan=False
    )


def whole():
    """Every fact, known."""
    return st.fixed_dictionaries({name: values_of(name) for name in Facts.model_fields})


def some():
    """Any of the facts, the others not known."""
    return st.fixed_dictionaries({}, optional={name: values_of(name) for name in Facts.model_fields})


def alike():
    """Every fact but those by which a pair's times would have two distributions."""
    names = [name for name in Facts.model_fields if name not in ("r_mu", "r_sigma", "time_order")]
    return st.fixed_dictionaries({name: values_of(name) for name in names})
