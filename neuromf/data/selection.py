"""What a folder offers, what of it is trained on, and why the rest is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from neuromf.counted import counted
from neuromf.data.scan import Scan
from neuromf.data.subjects import alike_guesses


@dataclass(frozen=True)
class ScanCandidate:
    """One NIfTI file of a folder.

    Attributes:
        scan: what it would be as a scan.
        reason: why it is left out, "" where it is taken.
    """

    scan: Scan
    reason: str = ""


@dataclass(frozen=True)
class Selection:
    """What a folder offers.

    Attributes:
        root: the folder, or the table.
        candidates: every NIfTI file below it, taken ones first, each part sorted by scan id.
        others: what else was met and is not read, in sentences.
    """

    root: Path
    candidates: tuple[ScanCandidate, ...]
    others: tuple[str, ...] = ()

    @cached_property
    def scans(self) -> list[Scan]:
        """What is taken, sorted by `scan_id`."""
        return [candidate.scan for candidate in self.candidates if not candidate.reason]

    @cached_property
    def left(self) -> list[ScanCandidate]:
        """What is left out."""
        return [candidate for candidate in self.candidates if candidate.reason]

    @cached_property
    def alike(self) -> tuple[str, str] | None:
        """Two guessed subjects that may be one person, None where no two are alike."""
        return alike_guesses(sorted({scan.subject for scan in self.scans if scan.guessed}))

    def lines(self) -> list[str]:
        """What is taken, left out and guessed, a sentence each, with counts and an example."""
        subjects = {scan.subject for scan in self.scans}
        contrasts = Counter(scan.modality or "an unknown contrast" for scan in self.scans)
        shown = ", ".join(f"{count} {name}" for name, count in contrasts.most_common())
        scans = f"{counted(len(self.scans), 'scan')} of {counted(len(subjects), 'subject')}"
        return [f"{scans} taken from {self.root}: {shown}", *self._left(), *self.others, *self._guessed(), *self._met()]

    def _left(self) -> list[str]:
        reasons: dict[str, list[ScanCandidate]] = defaultdict(list)
        for candidate in self.left:
            reasons[candidate.reason.partition(": ")[0]].append(candidate)
        return [
            f"{counted(len(group), 'file')} left out, {reason} (first {self._shown(group[0])})"
            for reason, group in reasons.items()
        ]

    def _shown(self, candidate: ScanCandidate) -> str:
        path = candidate.scan.path
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)

    def _guessed(self) -> list[str]:
        guessed = [scan for scan in self.scans if scan.guessed]
        if not guessed:
            return []
        advice = "name files or folders sub-..., or scans of one person may come into two splits"
        lines = [f"{counted(len(guessed), 'scan')} with a guessed subject (first {guessed[0].subject!r}): {advice}"]
        if self.alike:
            lines.append(f"{self.alike[0]!r} and {self.alike[1]!r} look like one person, and count as two subjects")
        return lines

    def _met(self) -> list[str]:
        """Subjects whose id stands in several data set folders."""
        homes: dict[str, set[str]] = defaultdict(set)
        for scan in self.scans:
            homes[scan.subject].add(scan.dataset)
        met = sorted(subject for subject, names in homes.items() if len(names) > 1)
        if not met:
            return []
        folders = " and ".join(sorted(homes[met[0]])[:2])
        return [f"{counted(len(met), 'subject id')} in several data sets, each taken for one person: "
                f"{met[0]} is in {folders}"]  # fmt: skip
