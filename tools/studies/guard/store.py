"""The study's rows as files: one row a run, an empty cell where a rule never spoke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrors

from neuromf.checkout import golden_folder
from neuromf.errors import InputError
from neuromf.output import write_output
from neuromf.trace.exact import read_exact
from tools.studies.guard.longer import KINDS
from tools.studies.guard.noise import LEVELS
from tools.studies.guard.rules import LONGER, REAL, SIMULATED
from tools.studies.guard.simulate import Row, curves

FOLDER = golden_folder() / "guard_study"
"""Where the whole study is kept."""


def _steps(rules: Sequence[str]) -> dict[str, pa.Column]:
    return {rule: pa.Column("Int64", pa.Check.ge(0), nullable=True, coerce=True) for rule in rules}


def _schema(columns: dict[str, pa.Column], unique: list[str]) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, strict=True, ordered=True, unique=unique)


SIMULATED_SCHEMA = _schema(
    {
        "curve": pa.Column(str, pa.Check.isin([curve.name for curve in curves()])),
        "noise": pa.Column(str, pa.Check.isin([noise.name for noise in LEVELS])),
        "run": pa.Column(int, pa.Check.ge(0)),
        **_steps(SIMULATED),
    },
    ["curve", "noise", "run"],
)
"""A simulated run: which, and the step at which each rule first spoke."""
MEASURES = ("largest_ratio", "largest_rho", "largest_level", "largest_flow", "last_level", "early_level", "step_noise")
"""Of medians of 30 steps: MF over FM loss, total and FM loss over that of predicting nothing, total of the last block
and of the third; of single steps: rho, and the standard deviation of the logarithm around a block's median."""
REAL_SCHEMA = _schema(
    {
        "kind": pa.Column(str, pa.Check.isin(["healthy", "exploding"])),
        "seed": pa.Column(int, pa.Check.ge(0)),
        "steps": pa.Column(int, pa.Check.gt(0)),
        **{name: pa.Column(float, pa.Check.ge(0), coerce=True) for name in MEASURES},
        **_steps(REAL),
        "overrides": pa.Column(str),
    },
    ["kind", "seed"],
)
"""A real training: which, what it came near to, and the step at which each rule first spoke."""

LONGER_SCHEMA = _schema(
    {
        "repair": pa.Column(str),
        "seed": pa.Column(int, pa.Check.ge(0)),
        "epochs": pa.Column(int, pa.Check.gt(0)),
        "kind": pa.Column(str, pa.Check.isin(KINDS)),
        "last_level": pa.Column(float, pa.Check.gt(0)),
        "block_noise": pa.Column(float, pa.Check.ge(0)),
        **_steps(LONGER),
    },
    ["repair", "seed", "epochs"],
)
"""A kept training of `golden/replay`: which, and the epoch at which each rule first spoke."""


@dataclass(frozen=True)
class GuardStudy:
    """All rows of a study.

    Attributes:
        simulated: by `SIMULATED_SCHEMA`.
        real: by `REAL_SCHEMA`.
        longer: by `LONGER_SCHEMA`.
    """

    simulated: pd.DataFrame
    real: pd.DataFrame
    longer: pd.DataFrame


def study_of(simulated: list[Row], real: list[Row], longer: list[Row]) -> GuardStudy:
    """Rows in the order of the plan, whatever the order they were done in."""
    names = {"curve": [c.name for c in curves()], "noise": [n.name for n in LEVELS], "kind": ["healthy", "exploding"]}

    def frame(rows: list[Row], schema: pa.DataFrameSchema, by: list[str]) -> pd.DataFrame:
        table = pd.DataFrame(rows).reindex(columns=list(schema.columns))
        order = table[by].apply(lambda column: column.map(names[column.name].index) if column.name in names else column)
        # As the files hold them, so that the text that is printed is that of the stored rows.
        floats = [name for name, column in schema.columns.items() if column.dtype.type == np.float64]
        table[floats] = table[floats].map(lambda value: float(f"{value:.4g}"))
        return schema.validate(table.loc[order.sort_values(by).index].reset_index(drop=True))

    return GuardStudy(
        frame(simulated, SIMULATED_SCHEMA, ["curve", "noise", "run"]),
        frame(real, REAL_SCHEMA, ["kind", "seed"]),
        frame(longer, LONGER_SCHEMA, ["epochs", "repair", "seed"]),
    )


def write_study(study: GuardStudy, table: str, folder: Path) -> None:
    """Store the tables of rows, and the one that is read."""
    folder.mkdir(parents=True, exist_ok=True)
    write_output(folder / "simulated.csv", study.simulated.to_csv(index=False, lineterminator="\n"))
    write_output(folder / "real.csv", study.real.to_csv(index=False, lineterminator="\n"))
    write_output(folder / "longer.csv", study.longer.to_csv(index=False, lineterminator="\n"))
    write_output(folder / "table.md", table)


def read_study(folder: Path = FOLDER) -> GuardStudy:
    """A stored study.

    Raises:
        InputError: a file is missing or not of its schema.
    """
    return GuardStudy(
        _read(folder / "simulated.csv", SIMULATED_SCHEMA),
        _read(folder / "real.csv", REAL_SCHEMA),
        _read(folder / "longer.csv", LONGER_SCHEMA),
    )


def _read(file: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    try:
        return schema.validate(read_exact(file))
    except (OSError, ValueError, SchemaError, SchemaErrors) as error:
        problem = f"is no table of the guard study ({str(error).splitlines()[0]})"
        raise InputError(problem, remedy="make it with `python -m tools guard-study`", file=file) from error
