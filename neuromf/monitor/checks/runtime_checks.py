"""The laws that a step holds to by its trace row, judged by the predicates the static gate uses; without torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from neuromf_spec.law import Finding
from neuromf_spec.registry import law

from neuromf.config.derived import RunFacts, run_facts
from neuromf.config.schema import Config
from neuromf.monitor.checks.trace_summary import fm_count
from neuromf.trace.columns import Row, number, number_or_none


@dataclass(frozen=True)
class LawReading:
    """One law judged once."""

    law_id: str
    finding: Finding


@dataclass
class LawLog:
    """The first broken reading of each law, else its latest, and how often it was judged."""

    readings: dict[str, Finding] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, readings: Iterable[LawReading]) -> None:
        """Take in readings; once a law fell, the finding that felled it stays."""
        for reading in readings:
            self.counts[reading.law_id] = self.counts.get(reading.law_id, 0) + 1
            known = self.readings.get(reading.law_id)
            if known is None or known.passed:
                self.readings[reading.law_id] = reading.finding


def judge(law_id: str, **numbers: object) -> LawReading:
    """Judge plain numbers by a law's predicate."""
    return LawReading(law_id, law(law_id).predicate(**numbers))


def reduced_loss(config: Config, row: Row, facts: RunFacts | None = None) -> float:
    """Raw loss of one term of a sample in the unit of the configured reduction, which norm_eps is compared with."""
    facts = facts or run_facts(config)
    per_dim = number(row, "raw_total") / facts.loss_terms
    return per_dim * (facts.latent_dims if config.meanflow.reduction == "sum" else 1)


def step_readings(config: Config, row: Row, facts: RunFacts | None = None) -> Iterator[LawReading]:
    """Judge one finished step by its trace row; `facts` of the run, where they are at hand, are not counted again."""
    facts = facts or run_facts(config)
    yield judge("NUM-001", loss=number(row, "raw_total"), gradient_norm=number(row, "grad_norm"))
    yield judge("OBS-001", recorded=_recorded(row), channels=config.vae.latent_channels)
    yield from _schedule_readings(config, facts, row)
    yield judge(
        "TIME-002",
        fm_samples=fm_count(number(row, "frac_fm"), facts.effective_batch),
        samples=facts.effective_batch,
        data_proportion=config.time_sampling.data_proportion,
    )
    settings = config.meanflow
    yield judge(
        "WGT-002",
        loss=reduced_loss(config, row, facts),
        norm_eps=settings.norm_eps,
        norm_p=settings.norm_p,
        reported=config.training.reported_loss,
    )
    rho = number_or_none(row, "rho")
    if rho is not None:
        yield judge("JVP-006", rho=rho)


def _schedule_readings(config: Config, facts: RunFacts, row: Row) -> Iterator[LawReading]:
    training = config.training
    multiplier = number(row, "lr") / training.learning_rate
    step = int(number(row, "step"))
    if step == 0:
        yield judge("LR-001", multiplier=multiplier, schedule=training.lr_schedule, warmup_steps=training.warmup_steps)
    yield judge(
        "LR-002",
        multiplier=multiplier,
        step=step,
        total_steps=facts.optimiser_steps,
        warmup_steps=training.warmup_steps,
        schedule=training.lr_schedule,
    )


def _recorded(row: Row) -> list[str]:
    """Columns with a value; raw_fm or raw_mf cannot have one in a step without such samples."""
    absent = {0.0: "raw_fm", 1.0: "raw_mf"}.get(number(row, "frac_fm"))
    return [name for name, value in row.items() if value is not None or name == absent]
