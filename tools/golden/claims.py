"""Whether a fault stands behind each law that a golden case claims to hold."""

from __future__ import annotations

from neuromf.errors import InputError
from neuromf.golden.case import GoldenCase
from tools.golden.faults import FAULTS


def check_claims(case: GoldenCase) -> None:
    """Make sure that each law the case claims is broken by a known fault, without which nothing would show it fall.

    Raises:
        InputError: a law that no fault breaks.
    """
    held = {fault.law for fault in FAULTS}
    if unheld := [law_id for law_id in case.contract.laws if law_id not in held]:
        remedy = f"claim laws that a fault breaks: {', '.join(sorted(held))}"
        raise InputError(f"no fault breaks {unheld[0]}", remedy=remedy, file=case.folder / "case.toml", key="laws")
