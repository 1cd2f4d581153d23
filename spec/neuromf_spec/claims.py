"""The review's claims, each with a verdict and the test that shows it; `claims.toml` says what each field holds."""

import tomllib
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

Kind = StrEnum("Kind", {"NUMBER": "number", "CAUSE": "cause", "ADVICE": "advice"})


class ClaimVerdict(StrEnum):
    """What became of a claim when it was recomputed."""

    HOLDS = "holds"
    ROUNDED = "rounded"
    UNIT_DEPENDENT = "unit-dependent"
    REFUTED = "refuted"


@dataclass(frozen=True, kw_only=True)
class ReviewClaim:
    """One row of the ledger."""

    id: str
    section: str
    quote: str
    claim: str
    kind: Kind
    verdict: ClaimVerdict
    stated: str
    recomputed: str
    test: str
    laws: tuple[str, ...]
    note: str


def parse(text: str) -> tuple[ReviewClaim, ...]:
    """Read a ledger; a key or value it does not know, or an id used twice, is a ValueError that says so."""
    rows: dict[str, ReviewClaim] = {}
    for row in tomllib.loads(text)["claim"]:
        if unexpected := {field.name for field in fields(ReviewClaim)} ^ row.keys():
            raise ValueError(f"claim {row.get('id')} has keys missing or unknown: {', '.join(sorted(unexpected))}")
        if row["id"] in rows:
            raise ValueError(f"the id {row['id']} is used by two claims")
        try:
            enums: dict[str, Any] = {"kind": Kind(row["kind"]), "verdict": ClaimVerdict(row["verdict"])}
        except ValueError as error:
            raise ValueError(f"claim {row['id']}: {error}") from None
        rows[row["id"]] = ReviewClaim(**{**row, **enums, "laws": tuple(row["laws"])})
    return tuple(rows.values())


@cache
def claims() -> tuple[ReviewClaim, ...]:
    """Every claim, in the order of the ledger."""
    return parse(files("neuromf_spec").joinpath("claims.toml").read_text(encoding="utf-8"))
