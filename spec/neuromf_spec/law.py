"""What a law is: a statement with a source, a predicate on plain numbers, and the value that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a broken law does to a launch.

    BLOCK: the mathematics is contradicted, or runs like this one fail and none is published that did not.
    WARN: the odds of a failure are higher, and most good runs do not get this warning.
    INFO: worth knowing.
    POLICY: safety gear that neuromf demands of its own runs. It predicts nothing: a launch is refused without it,
        and another code's configuration is not blamed for it.
    """

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"
    POLICY = "policy"


class Basis(StrEnum):
    """What the severity of a law rests on.

    MATHEMATICS: whoever breaks the law computes something else than is said.
    REPLAYED: replays in this repository fall with it and stand without it.
    PUBLISHED: published runs that failed or succeeded.
    DEMANDED: the review of the lost run, or this project, asks for it.
    """

    MATHEMATICS = "mathematics"
    REPLAYED = "replayed"
    PUBLISHED = "published"
    DEMANDED = "demanded"


class Enforcer(StrEnum):
    """Who holds a law: the static gate, a property test, a golden trace or the running trainer."""

    STATIC = "S"
    PROPERTY = "P"
    GOLDEN = "G"
    RUNTIME = "R"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a predicate says about plain numbers.

    Attributes:
        passed: whether the law holds.
        value: the number that was judged, or what was found in words.
        bound: what the value is held to, such as `<= 10`.
        unit: unit of `value` and `bound`.
        detail: what the value means, in a sentence.
        passing_value: overrides that would pass, as they are typed after `--set`, blank-separated.
        severity: replaces the law's severity when the finding failed; INFO on a passed finding marks it worth reading.
    """

    passed: bool
    value: float | str
    bound: str
    unit: str = ""
    detail: str = ""
    passing_value: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a law comes from.

    Attributes:
        reference: an arXiv id with its version, `review`, or the name of a repository.
        place: section, equation or table within it.
    """

    reference: str
    place: str

    def __str__(self) -> str:
        return f"{self.reference}, {self.place}"


@dataclass(frozen=True, kw_only=True)
class Law:
    """One rule that code, a configuration or a run can break.

    Attributes:
        id: family and number, never reused.
        title: a few words.
        statement: the law in one sentence.
        equation: the law in LaTeX.
        sources: where it comes from.
        severity: what breaking it does to a launch; a finding may say less or more.
        basis: what the severity rests on.
        predicate: judges plain numbers, given by keyword; every enforcer calls this one.
        example: keyword arguments that satisfy the predicate.
        counterexample: keyword arguments that break it.
        remedy: what to do when it is broken, one imperative sentence.
        enforcers: who holds it.
        kills: operators of the fault catalogue (`L1` .. `X3`) that it must detect.
    """

    id: str
    title: str
    statement: str
    equation: str
    sources: tuple[Source, ...]
    severity: Severity
    predicate: Callable[..., Finding]
    example: Mapping[str, object]
    counterexample: Mapping[str, object]
    remedy: str
    enforcers: frozenset[Enforcer]
    kills: tuple[str, ...] = ()
    basis: Basis = Basis.MATHEMATICS
