"""Configurations judged on paper, as the formats of CI are made from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from neuromf_spec.waivers import Waiver

from neuromf.config import load_config
from neuromf.errors import InputError
from neuromf.gate.ci.findings import JudgedConfig, not_judged, with_findings
from neuromf.gate.judge import LaunchCandidate, judge


def judged(*layers: str, overrides: Sequence[str] = (), waivers: Iterable[Waiver] = ()) -> JudgedConfig:
    """A configuration that loads, by the laws that need no run."""
    config, waivers = load_config(layers, overrides), tuple(waivers)
    verdict = judge(LaunchCandidate.of(config, layers, overrides), waivers)
    return with_findings(verdict, layers, overrides, waivers)


def refused(*layers: str, overrides: Sequence[str] = ()) -> JudgedConfig:
    """A configuration that does not load."""
    with pytest.raises(InputError) as caught:
        load_config(layers, overrides)
    return not_judged(caught.value, layers)
