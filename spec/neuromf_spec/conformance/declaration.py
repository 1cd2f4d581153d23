"""What an adapter says of the code that it hands over: its conventions, and where it knowingly departs from a law."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

TOLERANCES = {"float64": 1e-9, "float32": 2e-4}
"""Relative. In float64 law ID-001's own; in float32 two hundred times what a sum of ten terms of unlike sign loses."""


class _Words:
    """A declaration whose words are checked when it is made."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            _check_word(name, getattr(self, name), kind)


def _check_word(name: str, value: object, kind: Any) -> None:  # noqa: ANN401
    """Refuse a word that is none of those that a field knows; some fields take a number as well.

    Raises:
        ValueError: with the words that there are.
    """
    choices = [part for part in (kind, *get_args(kind)) if get_origin(part) is Literal]
    words = [word for choice in choices for word in get_args(choice)]
    is_number = float in get_args(kind) and isinstance(value, (int, float))
    if words and not is_number and value not in words:
        raise ValueError(f"{name} = {value!r} is none of {', '.join(map(str, words))}")


@dataclass(frozen=True, kw_only=True)
class Guidance:
    r"""Classifier-free guidance inside the loss (MeanFlow, section 4.2 and appendix B.1).

    The velocity :math:`e - x` becomes :math:`\omega(e - x) + \kappa u(z, t, t, y) + (1-\omega-\kappa) u(z, t, t, y_0)`.

    Attributes:
        scale: omega.
        mix: kappa; 0 is the plain form.
        label: class number of the samples that the suite hands over.
        no_label: class number that stands for no class.
    """

    scale: float
    mix: float = 0.0
    label: int = 3
    no_label: int = 10


@dataclass(frozen=True, kw_only=True)
class TimeSampler(_Words):
    """The distribution of (r, t) that the code says it draws from.

    Attributes:
        distribution: `logit_normal` or `uniform`; two draws, of which the larger is t.
        mu: mean of the logits of the time at which noise is 1, whatever `data_at` is.
        sigma: their standard deviation.
        r_mu: mean of the second draw's logits; None is `mu`.
        r_sigma: their standard deviation; None is `sigma`.
        data_proportion: share of samples with r = t.
        share_is: `exact` where any window of samples holds the share to within one, `per_batch` where each batch of
            `batch` does, `random` where it holds on average, `per_call` where a coin decides for all samples of a call.
        uniform_fraction: share of MF samples with a uniform pair.
        t_min: smallest t that is drawn; times below it become it.
        fm_time: whether the t of a sample with r = t is the larger of two draws (`pair`) or one draw (`single`).
        batch: samples of a call.
    """

    distribution: Literal["logit_normal", "uniform"] = "logit_normal"
    mu: float = -0.4
    sigma: float = 1.0
    r_mu: float | None = None
    r_sigma: float | None = None
    data_proportion: float = 0.75
    share_is: Literal["exact", "per_batch", "random", "per_call"] = "random"
    uniform_fraction: float = 0.0
    t_min: float = 0.0
    fm_time: Literal["pair", "single"] = "pair"
    batch: int = 64


@dataclass(frozen=True, kw_only=True)
class Average:
    """The moving average of the weights.

    Attributes:
        decay: beta.
        every: steps from one update to the next; the law says 1.
    """

    decay: float
    every: int = 1


@dataclass(frozen=True, kw_only=True)
class Schedule(_Words):
    """The learning rate's schedule.

    Attributes:
        shape: what follows the warm-up: `constant`, `cosine` or `linear`.
        warmup_steps: updates of the rise.
        total_steps: updates of the run.
    """

    shape: Literal["constant", "cosine", "linear"] = "constant"
    warmup_steps: int = 0
    total_steps: int = 1_000


@dataclass(frozen=True, kw_only=True)
class Declaration(_Words):
    """The conventions of a code. What is left out is as the paper has it.

    Attributes:
        name: of the code, for the report.
        shape: of one sample that the code takes; at least two numbers.
        batch: fewest samples that a call takes; the suite then hands over copies of one.
        mixed: whether one call takes samples with r = t and with r < t together.
        precision: that the code computes in.
        tolerance: relative; None is that of the precision.
        data_at: time of the data, 0 or 1; the suite hands over times in the code's own convention.
        prediction: what the network puts out, the average velocity `u` or the data `x`.
        t_min: clamp of 1/t in an x-prediction.
        tangent: velocity along which du/dt is taken: `conditional` e - x, `model` u(z, t, t), or the `v_head`.
        derivative: `exact`, or a `forward` or `central` difference.
        step: of the difference, in t.
        correction: constant factor on (t - r) du/dt; the law says 1.
        terms: `single`, or `dual` where a flow-matching term at r = t stands beside, with a weight of its own.
        v_head: whether a second head is trained on the velocity, in a term with a weight of its own.
        norm_p: p of the adaptive weight (L + c)^-p; 0 is none.
        norm_eps: c, in the unit of L.
        reduction: of the squared error over a sample's numbers: `sum`, `mean`, or the number it is divided by.
        batch_reduction: of the samples' losses.
        factor: constant on the loss.
        value: what the loss returns: the `weighted` loss, the `raw` one, or nothing that a law speaks of (`other`).
        guidance: inside the loss; None for none.
        times: distribution of (r, t); None where it is not known.
        average: of the weights; None where there is none.
        schedule: of the learning rate; None where it is not known.
        deviations: law, as `JVP-001`, or one of its facts, as `ID-001 4 steps of the sampler` -> why the code departs
            from it, in a sentence.
    """

    name: str = ""
    shape: tuple[int, ...] = (4,)
    batch: int = 1
    mixed: bool = True
    precision: Literal["float64", "float32"] = "float64"
    tolerance: float | None = None
    data_at: Literal[0, 1] = 0
    prediction: Literal["u", "x"] = "u"
    t_min: float = 0.0
    tangent: Literal["conditional", "model", "v_head"] = "conditional"
    derivative: Literal["exact", "forward", "central"] = "exact"
    step: float = 0.0
    correction: float = 1.0
    terms: Literal["single", "dual"] = "single"
    v_head: bool = False
    norm_p: float = 1.0
    norm_eps: float = 1e-3
    reduction: Literal["sum", "mean"] | float = "sum"
    batch_reduction: Literal["mean", "sum"] = "mean"
    factor: float = 1.0
    value: Literal["weighted", "raw", "other"] = "weighted"
    guidance: Guidance | None = None
    times: TimeSampler | None = None
    average: Average | None = None
    schedule: Schedule | None = None
    deviations: Mapping[str, str] = field(default_factory=dict)

    @property
    def dims(self) -> int:
        """Numbers in one sample."""
        return math.prod(self.shape)

    @property
    def allowed(self) -> float:
        """Relative difference that rounding may make."""
        return TOLERANCES[self.precision] if self.tolerance is None else self.tolerance

    def divisor(self, reduction: str | float | None = None) -> float:
        """What a sample's sum of squares is divided by."""
        named = self.reduction if reduction is None else reduction
        return float(self.dims) if named == "mean" else 1.0 if named == "sum" else float(named)
