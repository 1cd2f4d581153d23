"""Exceptions to laws, as data: which law, for which configuration, why, whose, until when."""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files

EXAMPLE = """\
[[waiver]]
law = "LR-003"
config = "my_run.yaml"
reason = "ablation of the warm-up, agreed on in the group meeting"
owner = "name@example.org"
expires = 2027-01-31
"""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """Permission to break one law in one configuration.

    Attributes:
        law: id of the law.
        config: the configuration as the gate is called with it: a recipe's name, or a file.
        reason: why.
        owner: who answers for it.
        expires: last day on which it holds.
    """

    law: str
    config: str
    reason: str
    owner: str
    expires: datetime.date

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day has passed."""
        return today > self.expires


def parse_waivers(text: str) -> tuple[Waiver, ...]:
    """Waivers from TOML text.

    Raises:
        ValueError: it is not TOML, or an entry lacks a key, has one too many or a value of another type.
    """
    entries = tomllib.loads(text).get("waiver", [])
    if not isinstance(entries, list):
        raise ValueError("waiver is no list of tables; write [[waiver]]")
    return tuple(_waiver(entry) for entry in entries)


def _waiver(entry: object) -> Waiver:
    names = {field.name for field in fields(Waiver)}
    if not isinstance(entry, dict) or set(entry) != names:
        raise ValueError(f"a waiver has exactly the keys {', '.join(sorted(names))}")
    texts = [entry[name] for name in ("law", "config", "reason", "owner")]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError("law, config, reason and owner of a waiver are texts and not empty")
    if type(entry["expires"]) is not datetime.date:
        raise ValueError("expires of a waiver is a date such as 2027-01-31, without quotes")
    return Waiver(**entry)


def shipped_waivers() -> tuple[Waiver, ...]:
    """Waivers for the shipped recipes."""
    return parse_waivers(files("neuromf_spec").joinpath("waivers.toml").read_text(encoding="utf-8"))
