"""The gate's verdict as one self-contained HTML page (`neuromf gate --report`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config
from neuromf.gate.verdict import GateVerdict
from neuromf.report.charts import LOSS_CHARTS, slice_png
from neuromf.report.page import render_page

if TYPE_CHECKING:
    from neuromf.gate.smoke import SmokeRun

ORDER = ("block", "policy", "warn", "waived", "info", "pass")


def gate_page(
    verdict: GateVerdict, config: Config, smoke: SmokeRun | None, cost: Sequence[tuple[str, str]] = ()
) -> str:
    """HTML text of the page; it loads nothing from anywhere.

    Args:
        verdict: the gate's answer.
        config: the configuration as it would be launched.
        smoke: the smoke training, None after a static gate.
        cost: what the run would ask for, as `neuromf.plan.told` says it; empty after a static gate.
    """
    charts = [(chart.title, Markup(chart.svg(smoke.rows))) for chart in LOSS_CHARTS] if smoke else []
    return render_page(
        "gate_page.html.j2",
        verdict=verdict,
        statuses=ORDER,
        results=[result for status in ORDER for result in verdict.with_status(status)],
        charts=charts,
        slices=_slices(smoke) if smoke else [],
        smoke=smoke,
        cost=cost,
        config=flat_config(config),
    )


def _slices(smoke: SmokeRun) -> list[tuple[str, str]]:
    return [
        (f"real scan, encoded, {smoke.pictured}", slice_png(smoke.real)),
        (f"one-step sample after {len(smoke.rows)} steps, {smoke.pictured}", slice_png(smoke.generated)),
    ]
