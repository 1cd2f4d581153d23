"""Shows one look at a run: as a screen on a terminal, and as a line for a log."""

from __future__ import annotations

from neuromf_spec.registry import law, laws
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from neuromf.monitor.events import Event
from neuromf.readable import printable
from neuromf.watch.status import RunState, duration
from neuromf.watch.watcher import Quantity, View

STYLES = {
    RunState.FINISHED: "bold green",
    RunState.HALTED: "bold red",
    RunState.IRREPRODUCIBLE: "bold red",
    RunState.PAUSED: "yellow",
    RunState.RUNNING: "green",
    RunState.SILENT: "bold red",
}
ALARM_STYLES = {"halt": "bold red", "warn": "yellow"}
LAST_ALARMS = 5
SATURATED = 0.5
"""Share of saturated samples from which the weighted loss hardly changes with the raw one."""


def screen(view: View, name: str) -> Group:
    """State, progress, losses and alarms.

    Args:
        view: the look.
        name: of the run.
    """
    status = view.status
    lines = [Text.assemble(f"{printable(name)}  ", (status.state.value, STYLES[status.state]), _reason(view))]
    bar = Table.grid()  # a bar alone ends without a line's end
    if status.total is not None:
        bar.add_row(ProgressBar(total=max(status.total, 1), completed=status.step, width=60))
    lines.append(Text(progress_line(view)))
    table = [_table(view)] if status.step else []
    blind = [Text(saturation_warning(view), style="yellow")] if saturation_warning(view) else []
    validation = [Text(f"validation: {view.validation}")] if view.validation else []
    return Group(*lines, bar, *table, *validation, *blind, *_alarms(view))


def progress_line(view: View) -> str:
    """Step of how many, speed, time left, and how old the newest row is."""
    status, seconds = view.status, view.seconds_per_step
    parts = [f"step {status.step}"]
    if status.total is not None:
        parts = [f"step {status.step} of {status.total} ({100 * status.step / max(status.total, 1):.1f} %)"]
    unknown = ["time of a step unknown"] if status.step else []
    parts += [f"{duration(seconds)} a step"] if seconds is not None else unknown
    parts += [f"{duration(view.seconds_left)} left"] if view.seconds_left is not None else []
    newest = "newest row" if status.step else "created"
    parts += [f"{newest} {duration(status.age)} ago"] if status.age is not None else []
    return ", ".join(parts)


def status_line(view: View) -> str:
    """One look on one line: the raw loss with its recent level and its start, then the weighted one."""
    q = {quantity.name: quantity for quantity in view.quantities}
    head = f"{view.status.state.value}: {progress_line(view)}"
    if not view.status.step:
        return f"{head}{_reason(view)}"
    channels = " ".join(shown(quantity.last) for name, quantity in q.items() if name.startswith("raw_ch"))
    total = q["raw_total"]
    raw = f"raw {shown(total.last)}, recent {shown(total.recent)}, start {shown(total.start)}"
    if not {"raw_fm", "raw_mf", "weighted", "grad_norm", "lr"} <= set(q):  # a loop's own, with the columns that it has
        others = "".join(f", {name} {shown(found.last)}" for name, found in q.items() if name != "raw_total")
        return f"{head}; {raw}{others}"
    terms = f"(FM {shown(q['raw_fm'].last)}, MF {shown(q['raw_mf'].last)}, channels {channels})"
    rest = f"weighted {shown(q['weighted'].last)}, grad_norm {shown(q['grad_norm'].last)}, lr {shown(q['lr'].last)}"
    validation = f"; {view.validation}" if view.validation else ""
    return f"{head}; {raw} {terms}, {rest}{validation}"


def ending_line(view: View) -> str:
    """How a run stands, and what that means."""
    return f"{view.status.state.value}{_reason(view)}"


def alarm_line(event: Event) -> str:
    """One alarm: level, step, law, value and bound; the whole sentence where it carries no number."""
    rank = "" if event.rank is None else f", rank {event.rank}"
    # In brackets and after "law": a title says what should be, not what was found.
    named = f", law {event.law} ({law(event.law).title})" if event.law in laws() else event.law and f", {event.law}"
    head = f"{event.level} at step {event.step}{rank}{named}: "
    return printable(head + (f"found {event.value}, bound {event.bound}" if event.value else event.message))


def saturation_warning(view: View) -> str:
    """A warning not to read the weighted loss where it cannot move; empty where it can."""
    # `<` so that a share that is no number warns.
    if view.saturated is None or view.saturated < SATURATED:
        return ""
    return f"weighted is saturated in {100 * view.saturated:.0f} % of the samples: read the raw loss"


def shown(value: float | None) -> str:
    """A number with four digits, thousands apart."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _reason(view: View) -> str:
    return f": {view.status.reason}" if view.status.reason else ""


def _table(view: View) -> Table:
    levels = "single steps" if view.window == 1 else f"medians of {view.window} steps"
    ours = any(quantity.name == "raw_mf" for quantity in view.quantities)
    caption = f"{levels}; {'raw: squared latent a dim' if ours else 'in the units of the loop'}"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    table.add_column("trace column")
    for header in ("start", "recent", "last", "recent/start"):
        table.add_column(header, justify="right", no_wrap=True)
    for quantity in view.quantities:
        table.add_row(quantity.name, *map(shown, (quantity.start, quantity.recent, quantity.last)), _ratio(quantity))
    return table


def _ratio(quantity: Quantity) -> str:
    return "" if quantity.ratio is None or quantity.name == "lr" else f"x {quantity.ratio:.3g}"


def _alarms(view: View) -> list[Text]:
    if not view.alarms:
        return [Text("no alarms")]
    hidden = len(view.alarms) - LAST_ALARMS
    first = [Text(f"{len(view.alarms)} alarms, the last {LAST_ALARMS}:")] if hidden > 0 else []
    return [*first, *(Text(alarm_line(e), style=ALARM_STYLES[e.level]) for e in view.alarms[-LAST_ALARMS:])]
