"""What a server of forks imports before it forks its first rank: what they use, and what torch imports late."""

from tests.support import guarded_ranks, parted_ranks, validating_ranks
from tests.support.kill_study import load_lazy_parts

__all__ = ["guarded_ranks", "parted_ranks", "validating_ranks"]

load_lazy_parts()
