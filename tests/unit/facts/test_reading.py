"""Values of another code's keys, each asked for as what it must be."""

import pytest

from neuromf.errors import InputError
from neuromf.facts.importers.reading import Keys

READERS = {
    "number": (lambda keys: keys.number("a.b"), "a number", ["many", True, [1]]),
    "whole": (lambda keys: keys.whole("a.b"), "a whole number of at least 1", [1.5, 0, -3]),
    "flag": (lambda keys: keys.flag("a.b"), "true or false", ["true", 1, 0.0]),
    "word": (lambda keys: keys.word("a.b", {"x": "x", "u": "u"}), "one of x, u", ["v", 3, ["x"]]),
}


@pytest.mark.parametrize("name", READERS)
def test_a_wrong_value_is_shown_with_what_is_wanted(tmp_path, name):
    """Whatever is asked for, the error has the value, the file, the key and what to give."""
    read, wanted, values = READERS[name]
    for value in values:
        with pytest.raises(InputError) as caught:
            read(Keys(tmp_path / "run.yml", {"a.b": value}))
        assert caught.value.problem == f"{value!r} is not {wanted}"
        assert (caught.value.remedy, caught.value.key) == (f"give {wanted}", "a.b")
        assert str(caught.value.file) == str(tmp_path / "run.yml")
