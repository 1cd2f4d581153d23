"""Ranks that share the scans of a validation have the numbers of one process, and end together (law VAL-004)."""

import pytest

from tests.support.rank_worker import run_ranks
from tests.support.validating_ranks import validated_on_ranks


@pytest.mark.law("VAL-004")
def test_two_ranks_validate_as_one(tmp_path):
    """Five scans shared by two: the same bits in each number, on both, and the same decision to stop."""
    found = []
    for size in (1, 2):
        folder = tmp_path / str(size)
        folder.mkdir()
        found += run_ranks(folder, size, validated_on_ranks)
    alone, first, second = found
    assert first["rows"] == second["rows"] == alone["rows"]
    assert (alone["shares"], first["shares"], second["shares"]) == ([0, 1, 2, 3, 4], [0, 2, 4], [1, 3])
    assert first["ending"] == second["ending"] == alone["ending"] == ("stopped early", 4)
