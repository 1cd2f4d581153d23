"""Which subject trains, validates or tests (DATA-002)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping

from neuromf.data.scan import Scan
from neuromf.errors import InputError

SPLIT_NAMES = ("train", "validation", "test")
_RATIO_TOLERANCE = 1e-9


def split_scans(scans: Iterable[Scan], ratios: tuple[float, float, float], seed: int) -> dict[str, str]:
    """Assign every subject of some scans to one split; data sets are strata, see `split_subjects`."""
    return split_subjects(strata_of(scans), ratios, seed)


def strata_of(scans: Iterable[Scan]) -> dict[str, str]:
    """The data set of each subject; of one that is in several, the first by name."""
    strata: dict[str, str] = {}
    for scan in scans:
        strata[scan.subject] = min(strata.get(scan.subject, scan.dataset), scan.dataset)
    return strata


def split_subjects(
    ids: Iterable[str] | Mapping[str, str], ratios: tuple[float, float, float], seed: int
) -> dict[str, str]:
    """Assign every subject to one split.

    A function of the set of ids, the ratios and the seed alone: neither order nor repetition of ids matters, nor does
    any library's random generator, because subjects are ranked by a hash of seed and id.

    With strata, each has its share of every split, rounded down, and what is left over is given out so that the splits
    have the sizes that they have without strata. One stratum gives what none gives.

    Args:
        ids: subjects; repetitions count once. A mapping gives the stratum of each.
        ratios: shares of train, validation and test; they sum to one.
        seed: picks one of the rankings.

    Returns:
        Split name by subject, in order of subject; at least one subject trains.

    Raises:
        InputError: if there is no subject, or the ratios are negative or do not sum to one.
    """
    stratum_of = dict(ids) if isinstance(ids, Mapping) else dict.fromkeys(ids, "")
    if not stratum_of:
        raise InputError("there is no subject to split", remedy="give at least one", key="ids")
    _check_ratios(ratios)
    strata: dict[str, list[str]] = {}
    for subject in sorted(stratum_of, key=lambda subject: (_rank(seed, subject), subject)):
        strata.setdefault(stratum_of[subject], []).append(subject)
    assigned: dict[str, str] = {}
    for name, counts in _counts_by_stratum({name: len(ranked) for name, ranked in strata.items()}, ratios).items():
        splits = [split for split, count in zip(SPLIT_NAMES, counts, strict=True) for _ in range(count)]
        assigned |= zip(strata[name], splits, strict=True)
    return {subject: assigned[subject] for subject in sorted(stratum_of)}


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


def _counts_by_stratum(sizes: Mapping[str, int], ratios: tuple[float, float, float]) -> dict[str, list[int]]:
    """How many subjects of each stratum are in each split."""
    quotas = {name: [size * ratio for ratio in ratios] for name, size in sizes.items()}
    counts = {name: [math.floor(quota + _RATIO_TOLERANCE) for quota in quotas[name]] for name in sizes}
    wanted = _counts(sum(sizes.values()), ratios)
    open_places = [want - sum(count[split] for count in counts.values()) for split, want in enumerate(wanted)]
    for split, places in enumerate(open_places):
        for _ in range(-places):  # a split that gave one to a training split that came out empty
            largest = max(sorted(sizes), key=lambda name: counts[name][split])
            counts[largest][split] -= 1
            open_places[split] += 1
    for name in sorted(sizes):
        for _ in range(sizes[name] - sum(counts[name])):
            short = [quota - count for quota, count in zip(quotas[name], counts[name], strict=True)]
            split = max(
                (split for split, places in enumerate(open_places) if places > 0), key=lambda split: short[split]
            )
            counts[name][split] += 1
            open_places[split] -= 1
    return counts


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
