"""What a server of forks imports before its first fork: what the tests' processes use, and what torch imports late."""

from tests.support import encoded_cohort, guarded_ranks, killed_trainer, parted_ranks, validating_ranks
from tests.support.kill_study import load_lazy_parts

__all__ = ["encoded_cohort", "guarded_ranks", "killed_trainer", "parted_ranks", "validating_ranks"]

load_lazy_parts()
