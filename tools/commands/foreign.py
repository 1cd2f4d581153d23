"""`python -m tools foreign`: public MeanFlow codes, from checkouts, put to the laws."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def foreign(
    named: Annotated[
        list[str] | None, typer.Argument(metavar="[OWNER/NAME]...", help="Codes; all when left out.")
    ] = None,
    jax_python: Annotated[
        str | None, typer.Option("--jax-python", help="Python that has JAX and flax; without it JAX codes are left.")
    ] = None,
    table_only: Annotated[
        bool, typer.Option("--table", help="Judge nothing; write the table of what is kept.")
    ] = False,
) -> None:
    """Judge each code whose checkout lies at OWNER/NAME below NEUROMF_FOREIGN, and write golden/conformance.

    Exit 1 where a verdict has no finding that was checked by hand, or a finding no verdict.
    """
    from neuromf.output import write_output
    from tools.foreign.checkout import foreign_folder
    from tools.foreign.codes import codes, findings
    from tools.foreign.judging import KEPT, judge_code, keep, kept_verdicts
    from tools.foreign.table import page, unchecked

    verdicts = kept_verdicts()
    pythons = {"torch": sys.executable, "jax": jax_python}
    for code in [] if table_only else codes():
        python = pythons[code.library]
        if named and code.repository not in named:
            continue
        if python is None or not (foreign_folder() / code.repository).is_dir():
            print(f"{code.repository}: left, for there is no {'checkout' if python else 'Python with JAX'}")
            continue
        found = judge_code(code, python)
        verdicts |= found
        keep(verdicts)
        print(f"{code.repository}: {', '.join(found)}")
    write_output(KEPT.parent / "README.md", page(codes(), verdicts, findings()))
    missing = unchecked(verdicts, findings())
    print("\n".join(missing) or "every verdict that is not `holds` was checked by hand")
    raise typer.Exit(1 if missing else 0)
