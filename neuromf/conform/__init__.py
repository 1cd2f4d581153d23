"""Any MeanFlow code judged by the laws, through an adapter of some tens of lines (`neuromf conform`).

What an adapter needs is here: what it declares, and what it is handed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuromf._lazy import lazy

if TYPE_CHECKING:
    from neuromf_spec.conformance.adapter import Adapter, Samples
    from neuromf_spec.conformance.declaration import Average, Declaration, Guidance, Schedule, TimeSampler

_HOMES = {
    "Adapter": "neuromf_spec.conformance.adapter",
    "Average": "neuromf_spec.conformance.declaration",
    "Declaration": "neuromf_spec.conformance.declaration",
    "Guidance": "neuromf_spec.conformance.declaration",
    "Samples": "neuromf_spec.conformance.adapter",
    "Schedule": "neuromf_spec.conformance.declaration",
    "TimeSampler": "neuromf_spec.conformance.declaration",
}
"""The module that each name comes from, imported when it is asked for."""

__all__ = ["Adapter", "Average", "Declaration", "Guidance", "Samples", "Schedule", "TimeSampler"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
