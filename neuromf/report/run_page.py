"""The report of one or several runs as one self-contained HTML page (`neuromf report`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.diagnosis.diagnosis import Suspect, diagnose
from neuromf.report.block_charts import NO_BLOCKS, block_picture
from neuromf.report.config_table import config_rows
from neuromf.report.headline import Headline, headline
from neuromf.report.law_events import cited_laws, law_events
from neuromf.report.law_table import law_rows
from neuromf.report.page import render_page
from neuromf.report.run_charts import detail_pictures, loss_pictures
from neuromf.report.run_facts import ReportedRun
from neuromf.report.sample_slices import OnProgress, sample_strip
from neuromf.report.time_histograms import drawn_times, time_pictures
from neuromf.report.validation_charts import validation_pictures
from neuromf.training.records.summary import latest_blocks

SHOWN_SUSPECTS = 3
"""Suspects that stand open on the page, as many as a halt names on the screen."""


@dataclass(frozen=True)
class RunSection:
    """What the page says of one run before its charts.

    Attributes:
        run: the run.
        headline: the verdict.
        suspects: likely causes of what went wrong, the likeliest first.
    """

    run: ReportedRun
    headline: Headline
    suspects: list[Suspect]


def run_page(
    runs: Sequence[ReportedRun],
    *,
    decoded: bool = True,
    vae: Path | None = None,
    on_progress: OnProgress | None = None,
) -> str:
    """HTML text of the report; it loads nothing from anywhere.

    Args:
        runs: at least one.
        decoded: whether sample slices are decoded through the autoencoder.
        vae: the runs' autoencoder, where its file is not where it was.
        on_progress: called with (done, total) while latents must be encoded first.
    """
    sections = [RunSection(run, headline(run), _suspects(run)) for run in runs]
    blocks = [block_picture(run, alone=len(runs) == 1) for run in runs]
    times = [drawn_times(run) for run in runs]
    entries = law_events(runs)
    return render_page(
        "run_page.html.j2",
        runs=runs,
        sections=sections,
        shown_suspects=SHOWN_SUSPECTS,
        losses=loss_pictures(runs),
        validations=validation_pictures(runs),
        details=detail_pictures(runs) + [block for block in blocks if block is not None],
        notes=[f"{run.name}: {NO_BLOCKS}" for run, block in zip(runs, blocks, strict=True) if block is None],
        strips=[sample_strip(run, decoded=decoded, vae=vae, on_progress=on_progress) for run in runs],
        times=list(zip(runs, times, strict=True)),
        histograms=time_pictures(runs, times),
        lawrows=law_rows(runs),
        entries=entries,
        cited=cited_laws(entries),
        config=config_rows(runs),
    )


def _suspects(run: ReportedRun) -> list[Suspect]:
    blocks = latest_blocks(run.epochs, run.folder.summary)
    return diagnose(run.config, run.trace, run.events, blocks, run.validations)
