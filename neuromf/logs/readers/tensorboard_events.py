"""TensorBoard's event files, by TensorBoard's own messages in plain Python; a run may have several after restarts."""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuromf.errors import InputError
from neuromf.logs.log import LoggedPoints, PointLog

MARK = "tfevents"
"""What the name of every event file holds."""
FLOATS = {1: "<f4", 2: "<f8"}
"""TensorFlow's numbers of the types of a tensor, as numpy names them."""


def is_event_file(path: Path) -> bool:
    """Whether a name is one of an event file."""
    return MARK in path.name and path.is_file()


def event_files(folder: Path) -> list[Path]:
    """Event files directly in a folder, in the order of the time in their names."""
    return sorted((path for path in folder.iterdir() if is_event_file(path)), key=lambda path: path.name)


def read_event_files(files: Sequence[Path], name: str, prefixes: Sequence[str] | None = None) -> PointLog:
    """The scalars of one run.

    Args:
        files: of the run, in the order of their time.
        name: as the user named it.
        prefixes: what stands before the names of each file's scalars; nothing by default.

    Raises:
        InputError: none of them holds a scalar.
    """
    parts, notes = [], []
    for path, prefix in zip(files, prefixes or [""] * len(files), strict=True):
        found, whole = _scalars(path)
        if found:
            parts.append({prefix + tag: points for tag, points in found.items()})
        if not whole:
            notes.append(f"{path.name} is cut short or damaged; what stands before that was taken.")
    if not parts:
        remedy = "give the folder of a run that has logged a scalar"
        raise InputError("holds no scalar", remedy=remedy, file=files[0] if files else name)
    if prefixes is not None:  # files that were written side by side are one part
        parts = [{tag: points for part in parts for tag, points in part.items()}]
    source = Path(name).name or name
    return PointLog(name=name, form="TensorBoard's events", parts=tuple(parts), source=source, notes=tuple(notes))


def _scalars(path: Path) -> tuple[dict[str, LoggedPoints], bool]:
    """Points by tag, and whether the file ends with a whole record."""
    # Here, for they take a quarter of a second.
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]

    found: dict[str, tuple[list[int], list[float], list[float]]] = defaultdict(lambda: ([], [], []))
    whole = True
    for record in _records(path):
        try:
            event = Event.FromString(record)
        except (DecodeError, TypeError):  # damaged, or None in the place of a record that is cut
            whole = False
            break
        if not event.HasField("summary"):
            continue
        step, second = event.step, event.wall_time
        for value in event.summary.value:
            number = _number(value)
            if number is not None:
                steps, values, seconds = found[value.tag]
                steps.append(step)
                values.append(number)
                seconds.append(second)
    columns = {tag: LoggedPoints(*(np.array(part, dtype=np.float64) for part in parts)) for tag, parts in found.items()}
    return columns, whole


def _records(path: Path) -> Iterator[bytes | None]:
    """The records of an event file; None in the place of one that is cut or damaged, which ends it.

    The frame of a record is its length in eight bytes, a check sum of that, the record, and a check sum of it.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", remedy="check its permissions", file=path) from error
    place = 0
    while place < len(text):
        head = text[place : place + 12]
        length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else -1
        record = text[place + 12 : place + 12 + length] if length >= 0 else b""
        place += 16 + length
        if length < 0 or place > len(text):
            yield None
            return
        yield record


def _number(value: Any) -> float | None:  # noqa: ANN401
    """The scalar of an entry of a summary; None of a picture, a histogram or a text."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind != "tensor" or math.prod(dim.size for dim in value.tensor.tensor_shape.dim) != 1:
        return None
    tensor = value.tensor
    for entries in (tensor.float_val, tensor.double_val):
        if len(entries):
            return float(entries[0])
    dtype = FLOATS.get(tensor.dtype)
    if dtype is None or not tensor.tensor_content:
        return None
    return float(np.frombuffer(tensor.tensor_content, dtype=dtype)[0])
