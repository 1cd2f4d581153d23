"""Evidence in the configuration alone, known before a training: the laws of the causes, judged on plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from neuromf_spec.law import Finding
from neuromf_spec.laws.time_integrals import larger_time_below
from neuromf_spec.laws.time_support import SUPPORT
from neuromf_spec.registry import law

from neuromf.config.derived import RunFacts, run_facts, second_logit
from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading, law_reading
from neuromf.facts.laws import FACT_LAWS
from neuromf.facts.objective_arguments import operating_point, uniform_share
from neuromf.facts.of_config import facts_of

BELOW_CLAMP = CalibratedRange(healthy=SUPPORT, faulty=0.1)
"""Share of samples drawn below the clamp of 1/t, where the target is biased. Derived: law TIME-005 holds one in 1,000
to be the least that is learnt from; a tenth biases a tenth of the loss."""


def law_findings(config: Config) -> dict[str, Finding]:
    """Laws of the suspects, by id, judged on the configuration."""
    facts, counts = facts_of(config), run_facts(config)
    known = [law_id for law_id in SUSPECTED if not FACT_LAWS[law_id].missing(facts)]  # of own code some are not
    by_facts = {law_id: FACT_LAWS[law_id].finding(facts) for law_id in known}
    return by_facts | {law_id: law(law_id).predicate(**arguments(config, counts)) for law_id, arguments in OWN.items()}


def config_signs(config: Config, findings: dict[str, Finding]) -> Iterator[tuple[str, SignReading]]:
    """Signs by name: each law's id, and `below_clamp`."""
    for law_id, finding in findings.items():
        yield law_id, law_reading(law_id, law(law_id).title, finding)
    share = share_below_clamp(config)
    yield "below_clamp", BELOW_CLAMP.place(share, f"{share:.2g} of the samples have t below the clamp of 1/t")


def share_below_clamp(config: Config) -> float:
    """P(t < meanflow.t_min) of the drawn times, 0 where the sampler's own floor is not below it."""
    times, clamp = config.time_sampling, config.meanflow.t_min
    if not times.t_min < clamp:
        return 0.0
    return larger_time_below(clamp, times.mu, times.sigma, uniform_share(facts_of(config)), second_logit(times))


def _report(config: Config, _: RunFacts) -> dict[str, Any]:
    return {**operating_point(facts_of(config)), "reported": config.training.reported_loss}


def _batch(config: Config, _: RunFacts) -> dict[str, Any]:
    training = config.training
    return {
        "batch_size_per_gpu": training.batch_size_per_gpu,
        "gpus": training.gpus,
        "gradient_accumulation_steps": training.gradient_accumulation_steps,
        "data_proportion": config.time_sampling.data_proportion,
    }


SUSPECTED = ("JVP-003", "JVP-005", "PREC-001", "LR-003", "OPT-001", "TIME-006", "TIME-004")
"""Laws of the causes that facts judge."""
OWN: dict[str, Callable[[Config, RunFacts], dict[str, Any]]] = {"BATCH-001": _batch, "WGT-002": _report}
"""Laws of the causes that ask more of a configuration of our own, with their arguments."""
