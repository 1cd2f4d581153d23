"""A MeanFlow trainer for 3D brain MRI, and the laws of its mathematics as a harness for any MeanFlow code.

The names below are the library; each is imported when it is first used, so that `import neuromf` loads no torch.

>>> import neuromf as nmf
>>> config = nmf.load_config(["failed_225"])
>>> [finding.law_id for finding in nmf.judge(config) if finding.status == "block"][:2]
['JVP-003', 'JVP-005']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuromf._lazy import lazy

__version__ = "0.1.0"

if TYPE_CHECKING:
    from neuromf_spec.registry import laws

    from neuromf.any_loop.guard import Guard
    from neuromf.any_loop.silent.watching import watch_training
    from neuromf.any_loop.verdict import LoopVerdict
    from neuromf.api import compare, diagnose, diagnose_logs, evaluate, judge, train
    from neuromf.comparison.comparator import Comparison
    from neuromf.config.load import load_config
    from neuromf.config.schema import Config
    from neuromf.diagnosis.diagnosis import Suspect
    from neuromf.errors import InputError
    from neuromf.evaluation.result import SampleEvaluation
    from neuromf.flow.batch import Batch, draw_batch
    from neuromf.flow.network import Net, NetOutput, velocity_field
    from neuromf.flow.objective import Objective, meanflow_objective
    from neuromf.flow.sampling import sample
    from neuromf.flow.settings import ObjectiveSettings, TimeSettings
    from neuromf.flow.times import sample_times
    from neuromf.gate.result import LawResult
    from neuromf.trace.reader import read_trace

_HOMES = {
    "Batch": "neuromf.flow.batch",
    "Comparison": "neuromf.comparison.comparator",
    "Config": "neuromf.config.schema",
    "Guard": "neuromf.any_loop.guard",
    "InputError": "neuromf.errors",
    "LawResult": "neuromf.gate.result",
    "LoopVerdict": "neuromf.any_loop.verdict",
    "Net": "neuromf.flow.network",
    "NetOutput": "neuromf.flow.network",
    "Objective": "neuromf.flow.objective",
    "ObjectiveSettings": "neuromf.flow.settings",
    "SampleEvaluation": "neuromf.evaluation.result",
    "Suspect": "neuromf.diagnosis.diagnosis",
    "TimeSettings": "neuromf.flow.settings",
    "compare": "neuromf.api",
    "diagnose": "neuromf.api",
    "diagnose_logs": "neuromf.api",
    "draw_batch": "neuromf.flow.batch",
    "evaluate": "neuromf.api",
    "judge": "neuromf.api",
    "laws": "neuromf_spec.registry",
    "load_config": "neuromf.config.load",
    "meanflow_objective": "neuromf.flow.objective",
    "read_trace": "neuromf.trace.reader",
    "sample": "neuromf.flow.sampling",
    "sample_times": "neuromf.flow.times",
    "train": "neuromf.api",
    "velocity_field": "neuromf.flow.network",
    "watch_training": "neuromf.any_loop.silent.watching",
}
"""The module that each public name comes from."""

__all__ = [
    "Batch",
    "Comparison",
    "Config",
    "Guard",
    "InputError",
    "LawResult",
    "LoopVerdict",
    "Net",
    "NetOutput",
    "Objective",
    "ObjectiveSettings",
    "SampleEvaluation",
    "Suspect",
    "TimeSettings",
    "compare",
    "diagnose",
    "diagnose_logs",
    "draw_batch",
    "evaluate",
    "judge",
    "laws",
    "load_config",
    "meanflow_objective",
    "read_trace",
    "sample",
    "sample_times",
    "train",
    "velocity_field",
    "watch_training",
]


__getattr__, __dir__ = lazy(__name__, _HOMES)
