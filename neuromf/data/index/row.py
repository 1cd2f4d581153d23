"""One row of the table that an index makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuromf.data.index.look import UNSEEN, Look
from neuromf.data.scan import Scan


@dataclass(frozen=True)
class Row:
    """One file.

    Attributes:
        scan: what it is as a scan.
        reason: why it is set aside, "" where it is taken.
        look: what header and voxels show.
        notes: what is doubtful in it.
        known: what a table of participants says of its subject, by column.
    """

    scan: Scan
    reason: str = ""
    look: Look = UNSEEN
    notes: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def include(self) -> bool:
        """Whether it is taken."""
        return not self.reason

    def cells(self) -> dict[str, str]:
        """The row as text by column, without what participants' tables say."""
        return {
            "scan_id": self.scan.scan_id,
            "subject": self.scan.subject,
            "session": self.scan.session,
            "dataset": self.scan.dataset,
            "group": self.scan.group,
            "modality": self.scan.modality,
            "path": str(self.scan.path),
            "include": str(self.include),
            "reason": self.reason,
            "subject_from": self.scan.subject_from,
            "shape": self.look.shape,
            "spacing_mm": self.look.spacing_mm,
            "orientation": self.look.orientation,
            "voxels": self.look.voxels,
            "notes": "; ".join((*self.notes, *self.look.notes)),
        }
