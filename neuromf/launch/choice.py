"""What a job asks for, chosen between the options of the command, the site file and the defaults.

An option outweighs the site file, and the site file a default. An option of `sbatch` (`--sbatch`, `sbatch:`) says the
same as the option of a name of its own, and counts as much as what stands beside it: two in one place are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from neuromf.errors import InputError
from neuromf.launch.gpu_request import gpu_request
from neuromf.launch.options import REPLACES, Option, UserOptions

OPTIONS = {"partition": "partition", "account": "account", "qos": "qos", "constraint": "constraint", "gres": "gres",
           "minutes": "time", "nodes": "nodes"}  # fmt: skip
"""What has an option of its own, and what `sbatch` calls it."""
Value = str | int


@dataclass(frozen=True)
class ChoiceLayer:
    """What one place says.

    Attributes:
        source: how the place is called, as "the command".
        values: by the names of `OPTIONS`, without those it leaves open.
        options: further options of `sbatch`.
        key: what holds those options, for a refusal: `--sbatch` or `sbatch`.
        file: the file, None for the command.
    """

    source: str
    values: Mapping[str, Value]
    options: UserOptions
    key: str = "--sbatch"
    file: str | None = None

    def check(self) -> None:
        """Make sure that nothing is said twice here.

        Raises:
            InputError: a value and an option of `sbatch` say the same thing.
        """
        for name in self.values:
            if (again := self._typed(name)) is not None:
                own = name if self.file else f"--{name}"
                remedy = f"give it once, here or as {own}"
                raise InputError(f"'{again.text}': contradicts {own}", remedy=remedy, key=self.key, file=self.file)

    def speaks_of(self, option: Option) -> bool:
        """Whether this place says what an option of `sbatch` says."""
        meaning = _meaning(option.name)
        asked = [OPTIONS[name] for name in self.values] + [other.name for other in self.options.options]
        if gpu_request(option.name, option.value or "") is not None and self._asks_for_gpus():
            return True
        return meaning in {_meaning(name) for name in asked}

    def has(self, name: str) -> bool:
        """Whether a value is said here, by its own name or as an option of `sbatch`."""
        return name in self.values or self._typed(name) is not None

    def _typed(self, name: str) -> Option | None:
        if name == "gres" and self.options.requests:
            return self.options.requests[0][0]
        return self.options.given(OPTIONS[name])

    def _asks_for_gpus(self) -> bool:
        return bool(self.options.requests) or "gres" in self.values


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        values: by name; what nobody has said is not there.
        options: further options of `sbatch`.
        sources: where each value comes from.
        option_sources: where each line of `options` comes from.
    """

    values: Mapping[str, Value]
    options: UserOptions
    sources: Mapping[str, str]
    option_sources: tuple[str, ...] = field(default=())

    def text(self, name: str) -> str | None:
        """A value that is text."""
        value = self.values.get(name)
        return None if value is None else str(value)

    def number(self, name: str) -> int | None:
        """A value that is a number."""
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def record(self) -> dict[str, object]:
        """For a JSON file: what was chosen, and where it comes from."""
        values = {name: {"value": value, "from": self.sources[name]} for name, value in self.values.items()}
        lines = zip(self.options.lines, self.option_sources, strict=True)
        return {**values, "sbatch": [{"option": line, "from": source} for line, source in lines]}


def choose(layers: Sequence[ChoiceLayer]) -> Choice:
    """Take each value from the first place that says it.

    Args:
        layers: the command, then the site file, then the defaults.

    Raises:
        InputError: a place says something twice.
    """
    values: dict[str, Value] = {}
    sources: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    for place, layer in enumerate(layers):
        layer.check()
        stronger = layers[:place]
        for name, value in layer.values.items():
            if not any(other.has(name) for other in stronger):
                values[name], sources[name] = value, layer.source
        kept = [*((line, layer.source) for line in _left(layer.options, stronger)), *kept]
    lines = tuple(line for line, _ in kept)
    return Choice(values, UserOptions.read(lines), sources, tuple(source for _, source in kept))


def _left(options: UserOptions, stronger: Sequence[ChoiceLayer]) -> Iterator[str]:
    """Lines of options, without what a stronger place says otherwise."""
    if not stronger:
        yield from options.lines
        return
    for option in options.options:
        if not any(other.speaks_of(option) for other in stronger):
            yield option.alone()


def _meaning(name: str) -> str:
    return REPLACES.get(name, name)
