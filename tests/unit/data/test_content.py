"""One text for one value, and its hash."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.data.content import canonical_json, content_key


@dataclass(frozen=True)
class Point:
    """A small dataclass."""

    x: int
    y: tuple[float, float]


def test_key_order_does_not_matter():
    """Two mappings with the same items have one key."""
    assert content_key({"a": 1, "b": [2, 3]}) == content_key({"b": [2, 3], "a": 1})


@given(st.dictionaries(st.text(max_size=3), st.integers()), st.text(max_size=3), st.integers())
def test_every_item_counts(facts, name, value):
    """Changing, adding or leaving the same item changes, or keeps, the key."""
    changed = {**facts, name: value}
    assert (content_key(changed) == content_key(facts)) == (changed == facts)


def test_dataclass_equals_its_mapping():
    """A dataclass is written by its fields, at any depth."""
    assert canonical_json([Point(1, (0.1, 2.0))]) == '[{"x":1,"y":[0.1,2.0]}]'


def test_nan_and_foreign_objects_are_refused():
    """What has no canonical text has no key."""
    with pytest.raises(ValueError, match="JSON compliant"):
        content_key(float("nan"))
    with pytest.raises(TypeError, match="set"):
        content_key({1, 2})
