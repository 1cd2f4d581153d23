"""From facts to the arguments of the laws that judge them: each number is computed here, once, for every door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neuromf_spec.law import Finding
from neuromf_spec.registry import law

from neuromf.facts import objective_arguments as objective
from neuromf.facts import training_arguments as training
from neuromf.facts.schema import Facts

Arguments = dict[str, Any]
"""Plain numbers, by the keyword under which a law's predicate takes them."""


@dataclass(frozen=True)
class FactLaw:
    """A law that facts alone can break.

    Attributes:
        law_id: id of the law.
        fact: the fact that a user would change.
        needs: facts without which the law is not judged, given those that are known.
        arguments: what the law's predicate is called with.
        applies: whether the law has anything to say of a run like this.
        over_pairs: whether `arguments` integrate over the distribution of (r, t), known of sorted pairs alone.
    """

    law_id: str
    fact: str
    needs: Callable[[Facts], tuple[str, ...]]
    arguments: Callable[[Facts], Arguments]
    applies: Callable[[Facts], bool] = lambda _: True
    over_pairs: Callable[[Facts], bool] = lambda _: False

    def missing(self, facts: Facts) -> list[str]:
        """What the law needs and is not known."""
        unknown = [name for name in self.needs(facts) if not facts.given(name)]
        return unknown + facts.pair_lacks if self.over_pairs(facts) else unknown

    def finding(self, facts: Facts) -> Finding:
        """What the law says of `facts`, of which none is missing."""
        return law(self.law_id).predicate(**self.arguments(facts))


def _all(*names: str) -> Callable[[Facts], tuple[str, ...]]:
    return lambda _: names


def _clamp(facts: Facts) -> tuple[str, ...]:
    if facts.prediction == "u":
        return ("prediction",)
    clamped = facts.clamp_t_min is not None or not facts.given("clamp_t_min")
    floor = ("sampler_t_min",) if clamped else ()
    return ("prediction", "clamp_t_min", *floor, *(TIMES if objective.biased_by_clamp(facts) else ()))


def _differs(facts: Facts) -> bool:
    return facts.derivative in ("forward", "central")


def _difference(facts: Facts) -> tuple[str, ...]:
    return ("derivative", *(("difference_step", "time_scale", "derivative_precision") if _differs(facts) else ()))


def _always(_: Facts) -> bool:
    return True


def _token(facts: Facts) -> tuple[str, ...]:
    return ("prediction",) if facts.prediction == "x" else ("prediction", "token_dims", "token_width")


def _weighted(facts: Facts) -> bool:
    return facts.norm_p != 0


def _types(facts: Facts) -> tuple[str, ...]:
    return ("derivative", *(() if _differs(facts) else ("derivative_precision",)))


def _average(facts: Facts) -> tuple[str, ...]:
    return ("ema_decay", *(("optimiser_steps",) if training.averaged(facts) else ()))


def _weight(facts: Facts) -> tuple[str, ...]:
    if not _weighted(facts):
        return ("norm_p",)
    dims = ("latent_dims",) if facts.reduction == "sum" else ()
    return ("norm_p", "norm_eps", "reduction", "sampler_t_min", *TIMES, *dims)


TIMES = ("mu", "sigma", "uniform_fraction", "data_proportion")

FACT_LAWS = {
    entry.law_id: entry
    for entry in (
        FactLaw("TIME-002", "data_proportion", _all("data_proportion", "batch_size"), objective.fm_share),
        FactLaw("TIME-004", "sampler_t_min", _clamp, objective.below_clamp, over_pairs=objective.biased_by_clamp),
        FactLaw(
            "TIME-005",
            "uniform_fraction",
            _all("mu", "sigma", "uniform_fraction"),
            objective.long_gaps,
            over_pairs=_always,
        ),
        FactLaw("TIME-006", "data_proportion", _all("data_proportion", "latent_dims"), objective.majority),
        FactLaw("TIME-007", "data_proportion", _all("data_proportion"), objective.mean_flow_share),
        FactLaw("JVP-003", "derivative", _difference, objective.difference, over_pairs=_differs),
        FactLaw("JVP-005", "time_scale", _all("time_scale", "derivative"), objective.time_scale),
        FactLaw("PRED-003", "token_dims", _token, objective.token),
        FactLaw("WGT-005", "norm_eps", _weight, objective.operating_point, _weighted, _weighted),
        FactLaw("WGT-006", "norm_p", _all("norm_p"), objective.exponent),
        FactLaw("LR-003", "warmup_steps", _all("warmup_steps", "optimiser_steps"), training.warmup),
        FactLaw("OPT-001", "beta2", _all("beta1", "beta2", "optimiser_steps"), training.moments),
        FactLaw("OPT-006", "optimiser_steps", _all("optimiser_steps", "learning_rate"), training.budget),
        FactLaw("EMA-002", "ema_decay", _average, training.average, training.averaged),
        FactLaw("BATCH-001", "batch_size", _all("batch_size", "data_proportion"), training.batch),
        FactLaw("PREC-001", "derivative_precision", _types, objective.types),
        FactLaw("PREC-002", "embedding_precision", _all("time_scale", "embedding_precision"), objective.embedding),
        FactLaw("CFG-002", "optimiser", _all("optimiser", "weight_decay"), training.coupled_decay),
        FactLaw("CFG-003", "guidance", _all("initialised_from", "guidance"), training.start),
    )
}
"""Every law that facts can break, by id."""
