"""What the rehearsal showed, as JSON and as a table."""

from __future__ import annotations

import datetime
import json
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tools.cluster.seen import Seen

FOLDER = Path(__file__).parents[2] / "golden" / "cluster"
TABLE = ("<!-- table -->", "<!-- end of table -->")


@dataclass(frozen=True)
class Played:
    """One scenario that was played.

    Attributes:
        name: of the scenario.
        seen: what it showed.
        seconds: how long it took.
    """

    name: str
    seen: Seen
    seconds: float


def without_place(seen: Seen, root: Path) -> Seen:
    """What was said, without the name of this machine and of the folder."""
    hidden = {str(root): "FOLDER", socket.gethostname(): "HOST"}
    lines = seen.said
    for text, name in hidden.items():
        lines = tuple(line.replace(text, name) for line in lines)
    return replace(seen, said=lines)


def record(played: list[Played], slurm: str) -> dict[str, object]:
    """For the JSON file."""
    scenarios = {one.name: {**asdict(one.seen), "seconds": round(one.seconds)} for one in played}
    return {"slurm": slurm, "date": datetime.date.today().isoformat(), "scenarios": scenarios}


def table(kept: dict[str, dict[str, object]]) -> str:
    """Markdown: a row a scenario."""
    rows = ["| what happens | expected | seen | s |", "| --- | --- | --- | --- |"]
    for name, one in kept.items():
        facts = one["facts"]
        assert isinstance(facts, dict)
        seen = "; ".join(fact if held else f"**not so: {fact}**" for fact, held in facts.items())
        rows.append(f"| {name} | {one['expected']} | {seen} | {one['seconds']} |")
    return "\n".join(rows)


def with_table(readme: str, text: str) -> str:
    """A README with its table replaced."""
    before, _, rest = readme.partition(TABLE[0])
    after = rest.partition(TABLE[1])[2]
    return f"{before}{TABLE[0]}\n{text}\n{TABLE[1]}{after}"


def keep(played: list[Played], slurm: str, folder: Path) -> None:
    """Write rehearsal.json, and the table into README.md; scenarios that were not played keep their last outcome."""
    path, readme = folder / "rehearsal.json", folder / "README.md"
    new = record(played, slurm)
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))["scenarios"]
        new["scenarios"] = before | dict(new["scenarios"])  # type: ignore[call-overload]
    path.write_text(json.dumps(new, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    readme.write_text(with_table(text, table(new["scenarios"])), encoding="utf-8")  # type: ignore[arg-type]
