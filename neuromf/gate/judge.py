"""The gate's verdict on a configuration: the findings of all laws, with waivers applied, as one answer."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuromf_spec.waivers import Waiver

from neuromf.config.provenance import value_sources
from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.data.chosen import Cohort
from neuromf.data.cohort import Scan
from neuromf.gate.fact_checks import unknown_laws
from neuromf.gate.static import static_findings
from neuromf.gate.training_checks import share_arguments, split_arguments, validation_arguments
from neuromf.gate.verdict import GateVerdict
from neuromf.gate.waivers import apply_waivers, last_day

if TYPE_CHECKING:  # what is judged on paper imports no torch
    from neuromf.gate.inputs import Inputs
    from neuromf.gate.smoke import SmokeRun

UNOPENED = "scans and autoencoder were not opened; `neuromf gate` without --static opens them"


@dataclass(frozen=True)
class LaunchCandidate:
    """A configuration that somebody wants to train.

    Attributes:
        config: what the layers load to.
        layers: recipe and files, as they were called.
        sources: where each value comes from, by dotted key.
        cohort: its scans, looked for once.
    """

    config: Config
    layers: Sequence[str]
    sources: Mapping[str, str]
    cohort: Cohort

    @classmethod
    def of(
        cls, config: Config, layers: Sequence[str], overrides: Sequence[str], cohort: Cohort | None = None
    ) -> LaunchCandidate:
        """The candidate that `load_config` has read from layers and `--set` overrides."""
        return cls(config, layers, value_sources(layers, overrides), cohort or Cohort(config.data))

    @property
    def scans(self) -> Sequence[Scan]:
        """The scans that it would train on, none for the built-in cohort; the folder is searched once.

        Raises:
            InputError: the folder or table of scans is not there or holds none.
        """
        return self.cohort.scans

    @property
    def subjects(self) -> int:
        """How many scans those are; of the built-in cohort, how many are made."""
        return len(self.scans) or self.config.data.demo_subjects


def _unknown(config: Config) -> list[str]:
    laws = unknown_laws(config)
    said = f"not judged on paper: {', '.join(laws)}, for what {config.unet.factory} builds is not known there"
    return [f"{said}; `neuromf gate` without --static builds and tries it"] if laws else []


def judge(
    candidate: LaunchCandidate,
    waivers: Sequence[Waiver],
    smoke: SmokeRun | None = None,
    *,
    inputs: Inputs | None = None,
    started: float | None = None,
) -> GateVerdict:
    """Judge a candidate by the laws that need no run, and by what a smoke training of it found.

    Args:
        candidate: what is judged.
        waivers: exceptions to laws.
        smoke: a smoke training of it, None where only the configuration is judged.
        inputs: its scans and autoencoder, None where they were not opened.
        started: reading of the performance counter from which the verdict's seconds count; now when None.
    """
    started = time.perf_counter() if started is None else started
    live = (*(inputs.results if inputs else ()), *(smoke.results if smoke else ()))
    of_scans = {
        "DATA-002": split_arguments(candidate.config, candidate.scans, candidate.cohort.splits),
        "VAL-001": validation_arguments(candidate.config, candidate.scans),
        "VAL-003": share_arguments(candidate.config, candidate.scans),
    }
    results = [*static_findings(candidate.config, candidate.sources, of_scans), *live]
    waived = apply_waivers(results, waivers, candidate.layers, datetime.date.today())
    return GateVerdict(
        name=" ".join(candidate.layers),
        config_hash=config_hash(candidate.config),
        results=waived,
        smoke=smoke.summary if smoke else None,
        inputs=inputs.summary if inputs else None,
        notes=(*_unknown(candidate.config), *(inputs.notes if inputs else (UNOPENED,))),
        seconds=time.perf_counter() - started,
        expires=last_day(waived, waivers, candidate.layers),
    )
