"""Which subject trains, validates or tests (DATA-002)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

from neuromf.errors import InputError

SPLIT_NAMES = ("train", "validation", "test")
_RATIO_TOLERANCE = 1e-9


def split_subjects(ids: Iterable[str], ratios: tuple[float, float, float], seed: int) -> dict[str, str]:
    """Assign every subject to one split.

    A function of the set of ids, the ratios and the seed alone: neither order nor repetition of ids matters, nor does
    any library's random generator, because subjects are ranked by a hash of seed and id.

    Args:
        ids: subjects; repetitions count once.
        ratios: shares of train, validation and test; they sum to one.
        seed: picks one of the rankings.

    Returns:
        Split name by subject, in order of subject; at least one subject trains.

    Raises:
        InputError: if there is no subject, or the ratios are negative or do not sum to one.
    """
    subjects = sorted(set(ids))
    if not subjects:
        raise InputError("there is no subject to split", remedy="give at least one", key="ids")
    _check_ratios(ratios)
    ranked = sorted(subjects, key=lambda subject: (_rank(seed, subject), subject))
    counts = _counts(len(subjects), ratios)
    names = [name for name, count in zip(SPLIT_NAMES, counts, strict=True) for _ in range(count)]
    assigned = dict(zip(ranked, names, strict=True))
    return {subject: assigned[subject] for subject in subjects}


def _check_ratios(ratios: tuple[float, float, float]) -> None:
    shown = ", ".join(f"{ratio:g}" for ratio in ratios)
    if len(ratios) != len(SPLIT_NAMES):
        remedy = "give three: train, validation, test"
        raise InputError(f"there are {len(ratios)} ratios ({shown})", remedy=remedy, key="split_ratios")
    if not all(ratio >= 0 for ratio in ratios):
        raise InputError(f"a ratio of {shown} is not >= 0", remedy="give shares from 0 to 1", key="split_ratios")
    if not abs(sum(ratios) - 1) <= _RATIO_TOLERANCE:
        problem = f"the ratios {shown} sum to {sum(ratios):g}"
        raise InputError(problem, remedy="let them sum to 1", key="split_ratios")


def _rank(seed: int, subject: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{subject}".encode("utf-8", "surrogateescape")).digest()


def _counts(total: int, ratios: tuple[float, float, float]) -> list[int]:
    """Largest-remainder apportionment; a training split that came out empty takes one from the largest other."""
    quotas = [total * ratio for ratio in ratios]
    counts = [math.floor(quota + _RATIO_TOLERANCE) for quota in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda index: (counts[index] - quotas[index], index))
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    if counts[0] == 0:
        counts[max((1, 2), key=lambda index: counts[index])] -= 1
        counts[0] = 1
    return counts
