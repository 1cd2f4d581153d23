"""What a user reads of an error is one sentence, in every test that meets one."""

import pytest

from neuromf.errors import InputError, UnreadableError
from tests.support.error_sentences import flaws, held_to_form


@pytest.mark.parametrize("remedy", ["give a file", "`unset RANK` first", "--device cpu says so"])
@pytest.mark.parametrize("problem", ["T1w is no number", "is empty", "7 scans", "a" * 300])
def test_two_clauses_make_a_sentence(problem, remedy):
    """A problem may begin with the value that was read, a remedy with a command."""
    assert flaws(problem, remedy) == []


@pytest.mark.parametrize("clause", [None, "", " ", "is blank at its end ", 3])
def test_what_is_no_clause_is_told(clause):
    """Whichever of the two it is."""
    assert flaws(clause, "give a file")
    assert flaws("is empty", clause)


@pytest.mark.parametrize("remedy", ["Give a file", "give a file.", "GIVE A FILE", "XXgive a fileXX", "; give a file"])
def test_a_remedy_that_breaks_the_sentence_is_told(remedy):
    """It begins small and leaves the full stop to the sentence."""
    assert flaws("is empty", remedy)


def test_a_problem_in_capitals_is_told():
    """Unless it has no letters."""
    assert flaws("IS EMPTY", "give a file")
    assert not flaws("7", "give a file")


def test_an_error_is_held_to_its_form_though_it_is_caught(monkeypatch):
    """Of every kind, and as it was made before and after."""
    monkeypatch.setattr(InputError, "__init__", InputError.__init__.__wrapped__)  # this very test is held to it too
    with held_to_form() as wrong:
        with pytest.raises(InputError, match="Give"):
            raise InputError("is empty", remedy="Give a file")
        UnreadableError.of("here", OSError(5, ""))
        InputError("is empty", remedy="give a file", file="here", key="this")
    InputError("is empty", remedy="Give a file", file="here", key="this")
    assert wrong == ["the remedy does not begin as a clause: 'Give a file'"]
