"""One scan of a cohort."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

GUESSED = "guessed"
"""What `subject_from` starts with where no rule names the subject."""


@dataclass(frozen=True)
class Scan:
    """One NIfTI file.

    Attributes:
        subject: whose head it is; all scans of a subject are in one split.
        scan_id: unique within the cohort, fit for a file name.
        path: the file.
        session: visit, where names tell it.
        dataset: folder or published data set that it belongs to.
        modality: contrast, where names tell it.
        subject_from: how the subject was found, in words; it starts with `guessed` where it was.
        group: of subjects, as patients or controls, where a table or a name tells it.
    """

    subject: str
    scan_id: str
    path: Path
    session: str = ""
    dataset: str = ""
    modality: str = ""
    subject_from: str = ""
    group: str = ""

    @property
    def guessed(self) -> bool:
        """Whether no rule names the subject."""
        return self.subject_from.startswith(GUESSED)
