"""The good configuration with some values of the bad one: what a probe trains, or why it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuromf_spec.laws.forbidden_pairs import FORBIDDEN_PAIRS

from neuromf.bisect.subsets import members
from neuromf.config.derived import pair_settings
from neuromf.config.load import validate
from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config
from neuromf.errors import InputError


class Mixtures:
    """Configurations between a good and a bad one.

    A mixture is *untestable*, as exit code 125 is to `git bisect run`, when the schema refuses it, when torch cannot
    run it, or when two of its options form a forbidden pair that neither end has: such a run would say something of
    the pair and nothing of what broke the bad run. A pair that the bad run itself has is testable, for it may be
    the very cause.

    Args:
        good: the configuration that trains.
        bad: the one that breaks.
        groups: dotted keys that change together, by delta.
    """

    def __init__(self, good: Config, bad: Config, groups: Sequence[Sequence[str]]) -> None:
        self.groups = tuple(tuple(group) for group in groups)
        self._good, self._bad = flat_config(good), flat_config(bad)
        self._known = {pair.name for end in (good, bad) for pair in FORBIDDEN_PAIRS if pair.holds(pair_settings(end))}
        self._reasons: dict[int, str] = {}

    def config(self, subset: int) -> Config:
        """The mixture with the bad run's values of the deltas in `subset`.

        Raises:
            InputError: the schema refuses it.
        """
        bad = [key for number in members(subset) for key in self.groups[number]]
        return validate(nested({**self._good, **{key: self._bad[key] for key in bad}}))

    def loads(self, subset: int) -> bool:
        """Whether the schema takes the mixture, whatever the laws say of it."""
        try:
            self.config(subset)
        except InputError:
            return False
        return True

    def obstacle(self, subset: int) -> str:
        """Why the mixture cannot be trained, in a sentence; empty when it can."""
        if subset not in self._reasons:
            self._reasons[subset] = self._find_obstacle(subset)
        return self._reasons[subset]

    def testable(self, subset: int) -> bool:
        """Whether the mixture can be trained."""
        return not self.obstacle(subset)

    def _find_obstacle(self, subset: int) -> str:
        try:
            settings = pair_settings(self.config(subset))
        except InputError as error:
            return error.sentence
        for pair in FORBIDDEN_PAIRS:
            if pair.holds(settings) and (pair.impossible or pair.name not in self._known):
                return f"{pair.name}: {pair.reason} (law {pair.law})."
        return ""


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Sections from dotted keys."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *sections, key = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return tree
