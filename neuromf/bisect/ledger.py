"""The probes that were started, finished or not, and the number and seed of the next one."""

from __future__ import annotations

from collections.abc import Iterable

from neuromf.bisect.oracle import Probe, Purpose


class Ledger:
    """Counts of started probes.

    Args:
        probes: all of them.
        seed: of probe 0; probe i has `seed + i`.
    """

    def __init__(self, probes: Iterable[Probe], seed: int) -> None:
        self._probes, self._seed = tuple(probes), seed

    @property
    def fallback(self) -> bool:
        """Whether ddmin had to take over."""
        return any(probe.purpose is Purpose.FALLBACK for probe in self._probes)

    def probe(self, subset: int, purpose: Purpose, universe: int, candidate: int = 0) -> Probe:
        """The next probe."""
        index = 1 + max((probe.index for probe in self._probes), default=-1)
        return Probe(
            index=index,
            subset=subset,
            seed=self._seed + index,
            purpose=purpose,
            universe=universe,
            candidate=candidate,
        )

    def searched(self, universe: int) -> int:
        """Probes of the search within `universe`."""
        return sum(p.purpose is Purpose.SEARCH and p.universe == universe for p in self._probes)

    def verified(self, universe: int, candidate: int) -> bool:
        """Whether the verification of `candidate`, found within `universe`, has begun."""
        mine = (p for p in self._probes if p.purpose is Purpose.VERIFY and p.universe == universe)
        return any(p.candidate == candidate for p in mine)
