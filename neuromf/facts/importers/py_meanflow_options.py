"""The options of a py-meanflow training, from a shell script, a line of options or JSON; nothing is evaluated."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from neuromf.errors import InputError

REALS = ("lr", "dropout", "ema_decay", "ratio", "P_mean_t", "P_std_t", "P_mean_r", "P_std_r", "norm_p", "norm_eps")
COUNTS = (
    *("batch_size", "epochs", "warmup_epochs", "fid_samples", "seed", "start_epoch", "eval_frequency"),
    *("num_workers", "log_per_step", "world_size", "local_rank"),
)
WORDS = ("dataset", "data_path", "output_dir", "device", "resume", "dist_url", "tr_sampler", "arch")
LISTS = ("optimizer_betas", "ema_decays")
FLAGS = (
    *("eval_only", "compute_fid", "save_fid_samples", "pin_mem", "no_pin_mem", "dist_on_itp", "use_edm_aug"),
    *("test_run", "not_compile"),
)
OPTIONS = (*REALS, *COUNTS, *WORDS, *LISTS, *FLAGS)
OWN = ("tr_sampler", "P_mean_t", "P_std_t", "P_mean_r", "P_std_r", "ratio", "use_edm_aug")
"""Options that tell this code from others with a training script of the same name."""
_SUBSTITUTION = re.compile(r"\$\([^()]*\)|`[^`]*`")
_EVALUATED = re.compile(r"[$`]")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A training as somebody starts it.

    Attributes:
        options: value of each option that is given, None where only a shell knows it.
        processes: how many are started, None where that is not said.
        unknown: words that are no option, and options whose value only a shell knows.
    """

    options: dict[str, object]
    processes: int | None
    unknown: tuple[str, ...]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def command_of(text: str, path: Path) -> Command:
    """The training that `text` starts, where it starts one.

    Raises:
        InputError: it starts none or several, its quotes do not close, or an option lacks its value.
    """
    try:
        started = _commands(text)
    except ValueError as error:
        remedy = "close every quote, one command a line"
        raise InputError(f"cannot be split into words ({error})", remedy=remedy, file=path) from error
    if len(started) != 1:
        problem = f"starts {len(started)} trainings"
        raise InputError(problem, remedy="give one command with train.py, or its options alone", file=path)
    launcher, words = started[0]
    known, hidden = _without_variables(words)
    try:
        found, left = _parser().parse_known_args(known)
    except ValueError as error:
        raise InputError(f"is refused ({error})", remedy="give options as train.py takes them", file=path) from error
    names = {word[2:].partition("=")[0].split()[0] for word in hidden if word[:2] == "--"}
    options = vars(found) | {option: None for option in OPTIONS if any(option.startswith(name) for name in names)}
    told = [f"{word}: only a shell knows its value" for word in hidden]
    return Command(options=options, processes=_processes(launcher), unknown=(*told, *left))


def looks_like_command(text: str) -> bool:
    """Whether some word of `text` is an option of this code alone."""
    return any(re.search(rf"(^|\s)--{name}\b", text) for name in OWN)


def _commands(text: str) -> list[tuple[list[str] | None, list[str]]]:
    """Launcher and options of each training; of a text of options alone there is no launcher."""
    lines = re.sub(r"\\\r?\n", " ", text).splitlines()
    found: list[tuple[list[str] | None, list[str]]] = []
    # Other lines of a script may hold what is no word list, such as text over several lines.
    for line in (line for line in lines if "train.py" in line):
        words = _first_command(line)
        script = next((index for index, word in enumerate(words) if Path(word).name == "train.py"), None)
        if script is not None:
            found.append((words[:script], words[script + 1 :]))
    if found:
        return found
    words = [word for line in lines for word in _first_command(line)]
    return [(None, words)] if words and words[0].startswith("--") else []


def _first_command(line: str) -> list[str]:
    """Words up to the first pipe, redirection or second command."""
    lexer = shlex.shlex(_SUBSTITUTION.sub("$_", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("();<>|&"):
            # In 2>&1 the number belongs to the redirection.
            return words[:-1] if word.startswith(">") and words[-1:] in (["1"], ["2"]) else words
        words.append(word)
    return words


def _without_variables(words: list[str]) -> tuple[list[str], list[str]]:
    """Words without options whose value a shell would have to evaluate, and those options."""
    known: list[str] = []
    hidden: list[str] = []
    for word in words:
        if not _EVALUATED.search(word):
            known.append(word)
            continue
        valued = known and known[-1].startswith("--") and "=" not in known[-1] and not word.startswith("--")
        hidden.append(f"{known.pop()} {word}" if valued else word)
    return known, hidden


def _processes(launcher: list[str] | None) -> int | None:
    """Processes that a launcher starts; python without one starts one."""
    if launcher is None:
        return None
    text = " ".join(launcher)
    if not re.search(r"\b(torchrun|torch\.distributed\.\w+)\b", text):
        return 1 if re.search(r"\bpython[\d.]*\s*$", text) else None
    counts = {name: re.search(rf"--{name}[= ](\S+)", text.replace("_", "-")) for name in ("nproc-per-node", "nnodes")}
    each = [match[1] if match else "1" for match in counts.values()]
    if not all(re.fullmatch(r"[1-9]\d{0,5}", count) for count in each):
        return None
    return int(each[0]) * int(each[1])


def _parser() -> _Parser:
    """A parser that knows the names and types of that code's options, and no default."""
    parser = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    for name in REALS:
        parser.add_argument(f"--{name}", type=float)
    for name in COUNTS:
        parser.add_argument(f"--{name}", type=int)
    for name in WORDS:
        parser.add_argument(f"--{name}")
    for name in LISTS:
        parser.add_argument(f"--{name}", type=float, nargs="+")
    for name in FLAGS:
        parser.add_argument(f"--{name}", action="store_true")
    return parser
