"""Options of `sbatch` that a user adds: what they replace of ours, and which would break the job.

Options are read as `sbatch` reads a line of a script: short and long forms, a value after `=` or as the next word,
flags in one word. Abbreviations of options that the script itself sets are refused, because their meaning depends on
the version of SLURM. An option of the user replaces the script's own; options that would break the job are refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neuromf.counted import counted
from neuromf.errors import InputError
from neuromf.launch.gpu_request import COUNTED, IN_ALL, NAMED, GpuRequest, gpu_request

SHORT = {
    "J": "job-name", "o": "output", "e": "error", "N": "nodes", "n": "ntasks", "t": "time", "p": "partition",
    "c": "cpus-per-task", "G": "gpus", "a": "array", "A": "account", "q": "qos", "C": "constraint",
}  # fmt: skip
OTHER_SHORT_WITH_VALUE = "BDFLMPSdilmwx"
NAMED_ELSEWHERE = ("account", "qos", "constraint")
"""Options that a launch has options of its own for, and the script no line unless they are given."""
ALIASES = {"tasks": "ntasks", "tasks-per-node": "ntasks-per-node"}
SAME = ("job-name", "output", "open-mode", "nodes", "ntasks", "time", "partition", "requeue", "signal")
REPLACES = {
    **{name: name for name in SAME},
    "no-requeue": "requeue",
    **dict.fromkeys(("cpus-per-task", "cpus-per-gpu"), "cpus-per-task"),
    **dict.fromkeys(("mem", "mem-per-cpu", "mem-per-gpu"), "mem"),
}
"""Option of ours that an option of the user's takes the place of; those that ask for GPUs are read elsewhere."""
TASKS = "each node of the job has one task, whose processes --gpus counts"
FIXED = {"nodes": "--nodes says how many nodes the job has", "ntasks": TASKS, "ntasks-per-node": TASKS}
"""Options that may only say what the job is, and why."""
REFUSED = {
    "array": ("several trainers would share one run folder", "launch each run with its own --out"),
    "test-only": ("nothing would be queued", "use --write-only and `sbatch --test-only` on the script"),
    "wrap": ("the job has a script", "leave it out"),
}
WITHOUT_VALUE = ("requeue", "no-requeue", "test-only")
OURS = frozenset({*SHORT.values(), *ALIASES, *REPLACES, *COUNTED, *NAMED, *NAMED_ELSEWHERE, *FIXED, *REFUSED})
LEAST_NOTICE_S = 30
"""Seconds before the time limit below which few trainings can finish a step and save it."""


@dataclass(frozen=True)
class Option:
    """One option as it was typed: its long name without dashes, a letter where we know none, and its value."""

    name: str
    value: str | None
    text: str

    def alone(self) -> str:
        """A line of a script with this option and no other."""
        if len(self.name) == 1:
            return f"-{self.name}" if self.value is None else f"-{self.name} {told(self.value)}"
        return f"--{self.name}" if self.value is None else f"--{self.name}={told(self.value)}"


@dataclass(frozen=True)
class UserOptions:
    """What a user adds to a job script.

    Attributes:
        lines: the options as they were typed, one text a line of the script.
        options: what they say.
    """

    lines: tuple[str, ...]
    options: tuple[Option, ...]

    @classmethod
    def read(cls, lines: Sequence[str]) -> UserOptions:
        """Read what was typed.

        Raises:
            InputError: a text is no option, or shortens the name of one that must be known.
        """
        return cls(tuple(lines), tuple(option for line in lines for option in _options(line)))

    @property
    def requests(self) -> tuple[tuple[Option, GpuRequest], ...]:
        """Options that ask for GPUs."""
        read = ((option, gpu_request(option.name, option.value or "")) for option in self.options)
        return tuple((option, request) for option, request in read if request is not None)

    @property
    def replaced(self) -> frozenset[str]:
        """Names of our own options that the user's take the place of."""
        names = {REPLACES[option.name] for option in self.options if option.name in REPLACES}
        return frozenset(names | ({"gpus-per-node"} if self.requests else set()))

    @property
    def requeues(self) -> bool:
        """Whether the job may queue itself again."""
        words = [option.name for option in self.options if option.name in ("requeue", "no-requeue")]
        return words[-1:] != ["no-requeue"]

    def given(self, name: str) -> Option | None:
        """The last option of this name."""
        return next((option for option in reversed(self.options) if option.name == name), None)

    @property
    def notice_s(self) -> int | None:
        """Seconds of the last --signal, None where there is none; only of options that were checked."""
        signal = self.given("signal")
        return None if signal is None else int((signal.value or "").partition("@")[2])

    def check(self, gpus: int, nodes: int = 1) -> None:
        """Make sure that the job works with them.

        Args:
            gpus: processes with a GPU each in the whole job, none for a job on the CPU.
            nodes: of the job, which share the GPUs evenly.

        Raises:
            InputError: one of them would break the job, or contradicts what is said elsewhere.
        """
        for option in self.options:
            _check_alone(option, nodes)
        for option, request in self.requests:
            if not request.agrees(gpus if option.name in IN_ALL else gpus // nodes):
                count = f"{counted(gpus, 'process', 'processes')} with a GPU each" if gpus else "none, on the CPU"
                each = f" on {nodes} nodes" if nodes > 1 else ""
                said = f"asks for {request.text}, and --gpus or training.gpus for {count}{each}"
                raise _refused(option, said, "say the same number in both")


NOTHING_ADDED = UserOptions((), ())


def _options(line: str) -> Iterator[Option]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise InputError(f"{line!r} is not whole ({error})", remedy="close its quotes", key="--sbatch") from error
    if not words or not words[0].startswith("-"):
        raise InputError(f"{line!r} is no option", remedy="write it as --sbatch=--account=ours", key="--sbatch")
    place = 0
    while place < len(words):
        word, following = words[place], words[place + 1 : place + 2]
        apart = following[0] if following and not following[0].startswith("-") else None
        if not word.startswith("-") or word in ("-", "--"):
            raise InputError(f"{word!r} in {line!r} is no option", remedy="write --sbatch=--name=value", key="--sbatch")
        found, taken = _long(word, apart, line) if word.startswith("--") else _short(word, apart, line)
        yield from found
        place += 2 if taken else 1


def _long(word: str, apart: str | None, line: str) -> tuple[list[Option], bool]:
    """The option of a word with two dashes, and whether it takes the next word."""
    name, equals, value = word[2:].partition("=")
    name = ALIASES.get(name, name)
    if name not in OURS and (whole := sorted(known for known in OURS if known.startswith(name))):
        problem = f"'--{name}' is short for an option that the job must know"
        raise InputError(problem, remedy=f"write it in full, as --{whole[0]}", key="--sbatch")
    if equals:
        return [Option(name, value, line)], False
    if name in WITHOUT_VALUE:
        return [Option(name, None, line)], False
    return [Option(name, apart, line)], apart is not None


def _short(word: str, apart: str | None, line: str) -> tuple[list[Option], bool]:
    """The options of a word with one dash: flags, of which the last may have a value."""
    found: list[Option] = []
    for place, letter in enumerate(word[1:], start=2):
        if letter in SHORT or letter in OTHER_SHORT_WITH_VALUE:
            value = word[place:] or apart
            return [*found, Option(SHORT.get(letter, letter), value, line)], not word[place:] and apart is not None
        found.append(Option(letter, None, line))
    return found, False


def told(text: str) -> str:
    """A value for `sbatch`, to which a backslash is one also within quotes."""
    return shlex.quote(text).replace("\\", "\\\\")


def _check_alone(option: Option, nodes: int) -> None:
    if option.name in REFUSED:
        raise _refused(option, *REFUSED[option.name])
    if option.name in OURS and option.name not in WITHOUT_VALUE and not option.value:
        raise _refused(option, "has no value", f"write --{option.name}=VALUE")
    if option.name in FIXED:
        count = str(1 if option.name == "ntasks-per-node" else nodes)
        if option.value not in (count, f"{count}-{count}"):
            raise _refused(option, FIXED[option.name], "leave it out, and give --nodes and --gpus for more processes")
    if option.name == "signal":
        _check_signal(option)


def _check_signal(option: Option) -> None:
    """The script saves on SIGUSR1 to itself; how long before the end is the user's to say."""
    signal, _, seconds = (option.value or "").partition("@")
    known = signal in ("B:USR1", "B:SIGUSR1", "B:10")
    if not known or not seconds.isdecimal() or not int(seconds) >= LEAST_NOTICE_S:
        remedy = f"write --signal=B:USR1@SECONDS, {LEAST_NOTICE_S} or more"
        raise _refused(option, "the job saves on SIGUSR1 to its script, before its time is up", remedy)


def _refused(option: Option, problem: str, remedy: str) -> InputError:
    return InputError(f"'{option.text}': {problem}", remedy=remedy, key="--sbatch")
