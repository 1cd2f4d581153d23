"""The sources of a comparison: a run's folder, a golden case, or a trace file, as named on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neuromf.comparison.comparator import Tolerance
from neuromf.config.recorded import read_recorded
from neuromf.config.resolve import flat_config
from neuromf.errors import InputError
from neuromf.golden.case import case_names, read_case


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: as the user gave it.
        trace: the file of its trace.
        config: every key of its configuration, empty where that is not known.
        tolerances: measured ones, empty where there are none.
    """

    name: str
    trace: Path
    config: Mapping[str, object]
    tolerances: Mapping[str, Tolerance]


def read_side(name: str) -> Side:
    """Open what `name` stands for.

    Raises:
        InputError: it is neither a golden case, nor a run's folder, nor a trace file, or its files cannot be read.
    """
    path = Path(name)
    if name in case_names() and not path.exists():
        # Here, for who compares runs needs no pandera, which takes a fifth of a second.
        from neuromf.golden.store import golden_trace, tolerance_frame
        from neuromf.golden.tolerances import tolerances_from

        case = read_case(name)
        tolerances = tolerances_from(tolerance_frame(case))
        return Side(name, golden_trace(case), flat_config(case.config), tolerances)
    if path.is_dir() and (path / "trace.csv").is_file():
        config = path / "config.yaml"
        known = flat_config(read_recorded(config)) if config.is_file() else {}
        return Side(name, path / "trace.csv", known, {})
    if path.is_file():
        return Side(name, path, {}, {})
    remedy = f"give a run's folder, a trace.csv, or one of {', '.join(case_names())}"
    raise InputError(f"'{name}' holds no trace", remedy=remedy)


def config_changes(golden: Side, actual: Side) -> dict[str, tuple[object, object]] | None:
    """Keys whose values differ, as (golden's, trace's); None where a configuration is not known."""
    if not golden.config or not actual.config:
        return None
    return {
        key: (golden.config.get(key), actual.config.get(key))
        for key in sorted({*golden.config, *actual.config})
        if repr(golden.config.get(key)) != repr(actual.config.get(key))
    }
