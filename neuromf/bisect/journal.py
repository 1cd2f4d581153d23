"""The journal of a bisect: a file with every probe that was started and every answer, from which it is resumed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Self

from neuromf.bisect.oracle import Observation, Probe, ProbeOutcome, ProbePurpose, ProbeVerdict
from neuromf.errors import InputError
from neuromf.lock import Lock
from neuromf.output import writing

FORMAT = 1


def header_record(question: dict[str, Any]) -> dict[str, Any]:
    """First line: what is asked."""
    return {"event": "question", "format": FORMAT, **question}


def started_record(probe: Probe, keys: tuple[str, ...]) -> dict[str, Any]:
    """A probe that begins; `keys` are the names of its deltas, for readers."""
    return {"event": "started", **asdict(probe), "keys": list(keys)}


def finished_record(probe: Probe, outcome: ProbeOutcome) -> dict[str, Any]:
    """A probe that has ended."""
    return {"event": "finished", "index": probe.index, **asdict(outcome)}


def probe_of(record: dict[str, Any]) -> Probe:
    """The probe of a "started" line; KeyError, TypeError or ValueError when it is none."""
    numbers = {name: _whole(record[name]) for name in ("index", "subset", "seed", "universe", "candidate")}
    return Probe(purpose=ProbePurpose(record["purpose"]), **numbers)


def outcome_of(record: dict[str, Any]) -> ProbeOutcome:
    """The outcome of a "finished" line; KeyError, TypeError or ValueError when it is none."""
    return ProbeOutcome(ProbeVerdict(record["verdict"]), float(record["cost"]), str(record["detail"]))


def line_of(record: dict[str, Any]) -> bytes:
    """A record as its line."""
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def _whole(value: Any) -> int:  # noqa: ANN401
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value


class Ledger:
    """Counts the probes that were started, and numbers the next one.

    Args:
        probes: all of them.
        seed: of probe 0; probe i has `seed + i`.
    """

    def __init__(self, probes: Iterable[Probe], seed: int) -> None:
        self._probes, self._seed = tuple(probes), seed

    @property
    def fallback(self) -> bool:
        """Whether ddmin had to take over."""
        return any(probe.purpose is ProbePurpose.FALLBACK for probe in self._probes)

    def probe(self, subset: int, purpose: ProbePurpose, universe: int, candidate: int = 0) -> Probe:
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
        return sum(p.purpose is ProbePurpose.SEARCH and p.universe == universe for p in self._probes)

    def verified(self, universe: int, candidate: int) -> bool:
        """Whether the verification of `candidate`, found within `universe`, has begun."""
        mine = (p for p in self._probes if p.purpose is ProbePurpose.VERIFY and p.universe == universe)
        return any(p.candidate == candidate for p in mine)


MOVE = "move the journal away or name another one"


class ProbeJournal:
    """An open journal, locked against every other bisect; use it in a `with` statement.

    Args:
        path: the file; it is created when it is not there.
        question: JSON-ready description of what is asked: hashes of both configurations, the deltas' keys, oracle,
            budget, seed. A journal of another question is refused.
        names: key of each delta, to name them in the lines.

    Raises:
        InputError: locked by another bisect, of another question, or damaged elsewhere than at its end; here and later,
            when the disk refuses a line.
    """

    def __init__(self, path: Path, question: dict[str, Any], names: Sequence[str]) -> None:
        self.path, self._names = path, tuple(names)
        self._lock = Lock(path.with_name(f"{path.name}.lock"), what=path, whose="another bisect")
        try:
            self._started: dict[int, Probe] = {}
            self._finished: dict[int, ProbeOutcome] = {}
            self._stream = self._open(json.loads(line_of(header_record(question))))
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def observations(self) -> list[Observation]:
        """Finished probes, in the order in which they ended."""
        return [Observation(self._started[index], outcome) for index, outcome in self._finished.items()]

    @property
    def pending(self) -> list[Probe]:
        """Probes that were started and have not finished; after a kill they are to be made again."""
        return [probe for index, probe in self._started.items() if index not in self._finished]

    def start(self, probe: Probe) -> None:
        """Note that a probe begins; one that is noted already, because it is made again, is not noted twice."""
        if self._started.get(probe.index) == probe:
            return
        if probe.index in self._started:
            raise ValueError(f"probe {probe.index} is another one in the journal")
        keys = tuple(name for number, name in enumerate(self._names) if probe.subset >> number & 1)
        self._append(started_record(probe, keys))
        self._started[probe.index] = probe

    def finish(self, probe: Probe, outcome: ProbeOutcome) -> None:
        """Note how a started probe ended."""
        if self._started.get(probe.index) != probe or probe.index in self._finished:
            raise ValueError(f"probe {probe.index} was not started, or has ended before")
        self._append(finished_record(probe, outcome))
        self._finished[probe.index] = outcome

    def close(self) -> None:
        """Close the file and let another bisect have it."""
        with contextlib.suppress(OSError):  # of a line that a full disk did not take, which was told
            self._stream.close()
        self._lock.release()

    def _append(self, record: dict[str, Any]) -> None:
        with writing(self.path):
            _write(self._stream, record)

    def _open(self, header: dict[str, Any]) -> IO[bytes]:
        stream = self.path.open("a+b")
        stream.seek(0)
        text = stream.read()
        kept = text[: text.rfind(b"\n") + 1]
        try:
            if kept or not line_of(header).startswith(text):
                self._check_header(text.split(b"\n")[0], header)
            for number, line in enumerate(kept.split(b"\n")[1:-1], start=2):
                self._replay(number, line)
        except InputError:
            stream.close()
            raise
        # A line without its end was never acknowledged. Nothing is cut before the file is known to be ours.
        with writing(self.path):
            stream.truncate(len(kept))
            if not kept:
                _write(stream, header)
        return stream

    def _check_header(self, line: bytes, header: dict[str, Any]) -> None:
        found = _parse(line)
        if found is None or found.get("event") != "question":
            raise InputError("is not the journal of a bisect", remedy=MOVE, file=self.path)
        for key in (*header, *found):
            if found.get(key) != header.get(key):
                problem = f"belongs to another bisect, where this is {found.get(key)!r} instead of {header.get(key)!r}"
                raise InputError(problem, remedy=MOVE, file=self.path, key=key)

    def _replay(self, number: int, line: bytes) -> None:
        record = _parse(line) or {}
        try:
            if record["event"] == "started":
                probe = probe_of(record)
                self._started[probe.index] = probe
            elif record["event"] == "finished" and record["index"] in self._started:
                self._finished.setdefault(record["index"], outcome_of(record))
            else:
                raise ValueError(f"event {record['event']!r}")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"line {number} is damaged ({error})", remedy=MOVE, file=self.path) from error


def _write(stream: IO[bytes], record: dict[str, Any]) -> None:
    """On the disk when it returns; what a kill or a full disk leaves of it has no end of line and does not count."""
    stream.write(line_of(record))
    stream.flush()
    os.fsync(stream.fileno())


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
