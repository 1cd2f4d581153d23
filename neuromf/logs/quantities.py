"""What the columns of a log are, by the names that codes give them and by what the user says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from neuromf.errors import InputError
from neuromf.logs.log import RunLog
from neuromf.trace.columns import OF_CHANNEL, column_named

LOSS, VALIDATION, PART = "loss", "validation_loss", "part"
"""The training loss where the log does not say whether it is raw, that of validation, and a loss of a part."""
NAMED = {
    "loss_mean": "weighted",
    "raw_loss_mean": "raw_total",
    "raw_loss_fm_mean": "raw_fm",
    "raw_loss_mf_mean": "raw_mf",
    "velocity_norms.jvp_norm": "dudt_rms",
    "velocity_norms.u_norm": "u_rms",
    "objective_mean": "objective",
}
"""Names that only `training_summary.json` has."""
CHANNEL_LISTS = ("per_channel_loss.", "raw_loss_per_channel.", "loss_ch", "raw_loss_ch", "ch")
"""How the loss of a channel is named before its number."""
LOOSE = {"train", "training", "step", "mean", "avg", "average", "metrics", "losses", "log", "total", "batch", "running"}
"""Words of a name that say nothing of the quantity."""
HELD_OUT = {"val", "valid", "validation", "eval", "evaluation", "test", "dev", "holdout"}
SPREADS = {"std", "min", "max", "var", "median", "best", "smooth", "ema"}
LOSS_WORDS = {"loss", "mse", "nll", "elbo", "objective", "criterion", "xent", "cost"}
RATES = ({"lr"}, {"learning", "rate"})
MAPPABLE = (
    "step",
    "raw_total",
    "raw_fm",
    "raw_mf",
    "weighted",
    LOSS,
    VALIDATION,
    "grad_norm",
    "lr",
    "u_rms",
    "dudt_rms",
    "rho",
)
"""What `--map` can say that a column is."""


@dataclass(frozen=True)
class Recognised:
    """A column and what it was taken for.

    Attributes:
        quantity: a trace's name where it has one, or one of this module's.
        column: the log's name.
        why: how it was recognised, as part of a sentence.
    """

    quantity: str
    column: str
    why: str


def quantities(log: RunLog, said: Mapping[str, str] | None = None) -> list[Recognised]:
    """What the columns of a log are, in the log's order, at most one column a quantity save for parts.

    Args:
        log: the log.
        said: quantity -> column, as the user says.

    Raises:
        InputError: the user names a column that the log does not have, or a quantity that there is not.
    """
    asked = dict(_asked(log, said or {}))
    found: dict[str, list[str]] = {}
    for name in log.columns:
        if name not in asked.values() and (quantity := quantity_named(name)) is not None:
            found.setdefault(quantity, []).append(name)
    result = [Recognised(quantity, name, "as --map says") for quantity, name in asked.items()]
    for quantity, names in found.items():
        if quantity in (PART, VALIDATION):
            result += [Recognised(quantity, name, "by its name") for name in names]
        elif quantity not in asked:
            result.append(Recognised(quantity, _fullest(log, names), "by its name"))
    return result


def _asked(log: RunLog, said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for quantity, column in said.items():
        if quantity not in MAPPABLE and not quantity.startswith(OF_CHANNEL):
            remedy = f"give one of {', '.join(MAPPABLE)}"
            raise InputError(f"'{quantity}' is no quantity", remedy=remedy, key="--map")
        if quantity == "step":
            continue
        if column not in log.columns:
            remedy = f"name one of {', '.join(list(log.columns)[:20])}"
            raise InputError(f"the log has no column '{column}'", remedy=remedy, file=log.name, key=f"--map {quantity}")
        yield quantity, column


def quantity_named(name: str) -> str | None:
    """What a name says that its column is; None where it says nothing that is judged."""
    for prefix in CHANNEL_LISTS:
        number = name.removeprefix(prefix)
        if number != name and number.isdecimal():
            return f"{OF_CHANNEL}{number}"
    if (known := NAMED.get(name)) is not None or column_named(name) is not None:
        return known or name
    words = _words(name)
    if HELD_OUT & set(words):
        return VALIDATION if set(words) & LOSS_WORDS and not SPREADS & set(words) else None
    if SPREADS & set(words):
        return None
    return _of_words([word for word in words if word not in LOOSE], "epoch" in words)


def _of_words(words: Sequence[str], of_epoch: bool) -> str | None:
    kept = {word for word in words if word != "epoch"}
    if {"grad", "norm"} <= kept or {"gradient", "norm"} <= kept or kept in ({"gradnorm"}, {"gnorm"}):
        return "grad_norm"
    if any(rate <= kept for rate in RATES):
        return "lr"
    return _of_loss_words(kept - LOSS_WORDS, of_epoch) if kept & LOSS_WORDS else None


def _of_loss_words(rest: set[str], of_epoch: bool) -> str:
    """What kind of loss it is, by the other words of its name."""
    if rest & {"raw", "unweighted"}:
        parts = {"fm": "raw_fm", "mf": "raw_mf", "flow": "raw_fm", "meanflow": "raw_mf"}
        named = [quantity for word, quantity in parts.items() if word in rest]
        return named[0] if named else "raw_total"
    if rest & {"weighted", "adaptive"}:
        return "weighted"
    if not rest:
        return PART if of_epoch else LOSS
    return PART


def _words(name: str) -> list[str]:
    """Words of a name in small letters: `train/rawLoss_step` is train, raw, loss, step."""
    letters = []
    for before, letter in zip(" " + name, name, strict=False):
        letters.append(" " if before.islower() and letter.isupper() else "")
        letters.append(letter if letter.isalnum() else " ")
    return "".join(letters).lower().split()


def _fullest(log: RunLog, names: Sequence[str]) -> str:
    """The column with the most points; of equals the first."""
    return max(names, key=lambda name: len(log.columns[name].steps))
