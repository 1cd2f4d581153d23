"""One look at a run as a JSON document (`neuromf watch --json`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from neuromf.watch.status import ENDED
from neuromf.watch.watcher import View


def document(view: View) -> dict[str, Any]:
    """What the screen shows, in the trace's names."""
    status = view.status
    return {
        "state": status.state.value,
        "ended": status.state in ENDED,
        "reason": status.reason,
        "step": status.step,
        "total": status.total,
        "newest_row_seconds_ago": status.age,
        "seconds_per_step": view.seconds_per_step,
        "seconds_left": view.seconds_left,
        "quantities": {
            q.name: {key: getattr(q, key) for key in ("start", "recent", "last", "ratio")} for q in view.quantities
        },
        "level_steps": view.window,
        "saturated": view.saturated,
        "validation": None if view.validated is None else asdict(view.validated),
        "alarms": [asdict(event) for event in view.alarms],
    }
