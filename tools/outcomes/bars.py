"""What the static gate must reach on published runs."""

from __future__ import annotations

from collections.abc import Iterator

from tools.outcomes.confusion import Confusion

MOST_FALSE_ALARMS = 1 / 13
"""Share of good runs that may be blocked."""
FEWEST_HITS = 5 / 8
"""Share of bad runs that must be blocked."""
FEWEST_CLEAN = 0.8
"""Share of good runs that get no warning at all."""


def missed_bars(counts: Confusion) -> Iterator[str]:
    """Each bar that is not reached, in a sentence; of no run of a kind nothing is asked."""
    checks = (
        (counts.false_alarms, "good runs are blocked", "at most", MOST_FALSE_ALARMS),
        (counts.hits, "bad runs are blocked", "at least", FEWEST_HITS),
        (counts.clean, "good runs get no warning", "at least", FEWEST_CLEAN),
    )
    for rate, what, bound, limit in checks:
        reached = rate.share <= limit + 1e-12 if bound == "at most" else rate.share >= limit - 1e-12
        if rate.total and not reached:
            yield f"{rate} {what}, {bound} {100 * limit:.3g} % asked"
