"""TensorBoard mirror of the trace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from torch.utils.tensorboard import SummaryWriter

from neuromf.monitor.events import Event
from neuromf.trace.columns import TraceRow, columns_in, number_or_none


class TensorBoardMirror:
    """Shows every number of the trace in TensorBoard, grouped by the stage that computes it.

    Args:
        folder: TensorBoard's log folder.
        first_step: later points of an interrupted run are purged, for they will be made again.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=first_step)

    def add(self, row: TraceRow) -> None:
        """Show one row."""
        found = [(column, number_or_none(row, column.name)) for column in columns_in(row) if column.kind == "float"]
        # All numbers of a step in one event: twenty events cost a step of 50 ms a fiftieth.
        values = [
            Summary.Value(tag=f"{column.stage}/{column.name}", simple_value=value)
            for column, value in found
            if value is not None
        ]
        assert self._writer.file_writer is not None  # as long as it is not closed
        self._writer.file_writer.add_summary(Summary(value=values), row["step"])

    def add_validation(self, numbers: Mapping[str, float], step: int) -> None:
        """Show what a validation found after `step` steps, beside the row of the last of them."""
        for name, value in numbers.items():
            self._writer.add_scalar(f"validation/{name}", value, step - 1)

    def tell(self, event: Event) -> None:
        """Show one event as text."""
        self._writer.add_text(f"events/{event.law or 'run'}", f"{event.level}: {event.message}", event.step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
