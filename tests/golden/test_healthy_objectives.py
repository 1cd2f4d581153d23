"""Every combination of what an objective may be, launched and trained for two steps: no law is told of.

Not among the unit tests, which try every two choices together: two dozen small trainings.
"""

import itertools

import pytest

from tests.laws.test_law_healthy_runs import DIFFERENCE, EXACT, laws_broken, objective
from tests.support.told_laws import assert_told

CHOICES = (("single", "dual"), ("u", "x"), ("conditional", "model", "v_head"), (EXACT, DIFFERENCE))


@pytest.mark.parametrize("choice", list(itertools.product(*CHOICES)), ids="-".join)
def test_no_combination_of_what_an_objective_may_be_is_told_of(choice, request):
    """What an objective may be is no fault, whichever laws of the configuration advise against it."""
    assert_told(request, laws_broken(objective(choice)), set())
