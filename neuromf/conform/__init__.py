"""Any MeanFlow code judged by the laws, through an adapter of some tens of lines (`neuromf conform`).

What an adapter needs is here: what it declares, and what it is handed.
"""

from __future__ import annotations

from neuromf_spec.conformance.declaration import Average, Declaration, Guidance, Schedule, TimeSampler

from neuromf.conform.adapter import Adapter, Samples

__all__ = ["Adapter", "Average", "Declaration", "Guidance", "Samples", "Schedule", "TimeSampler"]
