"""The licence of a network's weights, read from a file or given by its name."""

from __future__ import annotations

import pytest

from neuromf.errors import InputError
from neuromf.export.licence import read_licence


def test_the_first_line_of_a_file_is_the_name_and_all_of_it_the_text(tmp_path):
    """As a licence's file begins with its title."""
    path = tmp_path / "terms.txt"
    path.write_text("Terms of our hospital\n\nFor research alone.\n", encoding="utf-8")
    found = read_licence(str(path))
    assert found.name == "Terms of our hospital"
    assert found.text == "Terms of our hospital\n\nFor research alone."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "cannot be read"),
        (b" \n\n", "is empty; give the text of the licence, or its name."),
    ],
)
def test_a_file_that_is_no_text_is_told_with_its_name(tmp_path, content, said):
    """And with the option that named it."""
    path = tmp_path / "terms.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as told:
        read_licence(str(path))
    assert told.value.sentence.startswith(f"{path}: --licence: {said}")
    assert (told.value.file, told.value.key) == (str(path), "--licence")
