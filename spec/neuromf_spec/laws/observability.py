"""What a run must write down whatever else it writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neuromf_spec.citations import measured, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

CHANNELS = 4
"""Of a MAISI latent."""


def raw_columns(channels: int) -> tuple[str, ...]:
    """Unweighted losses of a step: in total, per kind of sample, per latent channel."""
    return ("raw_fm", "raw_mf", "raw_total", *(f"raw_ch{channel}" for channel in range(channels)))


RAW_COLUMNS = raw_columns(CHANNELS)


def raw_losses_recorded(*, recorded: Collection[str], channels: int = CHANNELS) -> Finding:
    """Judge the columns that a step of latents of so many channels records."""
    wanted = raw_columns(channels)
    missing = [column for column in wanted if column not in recorded]
    return Finding(
        passed=not missing,
        value="missing " + ", ".join(missing) if missing else f"{len(wanted)} raw columns",
        bound=", ".join(wanted),
    )


def shown_as_recorded(*, wrong: Collection[str]) -> Finding:
    """Judge what was read or shown of a run: the places at which another number stands than the recorded one."""
    return Finding(passed=not wrong, value=", ".join(sorted(wrong)) or "none", bound="none", unit="wrong places")


def shown_as_found(*, found: Sequence[str], shown: Sequence[str]) -> Finding:
    """Judge the findings that a format shows against those of the verdict, each as `law level file:line`."""
    left_out = [text for text in found if text not in shown]
    made_up = [text for text in shown if text not in found]
    wrong = [f"left out {text}" for text in left_out] + [f"made up {text}" for text in made_up]
    counted = len(shown) == len(found)
    return Finding(
        passed=not wrong and counted,
        value="; ".join(wrong) or (f"{len(found)} findings" if counted else f"{len(shown)} shown of {len(found)}"),
        bound="each once",
    )


LAWS = (
    Law(
        id="OBS-001",
        title="raw loss is always recorded",
        statement="Every step records the raw loss: in total, of FM and MF samples, per channel, diagnostics or not.",
        equation=r"\forall k:\ (L, L_{\mathrm{FM}}, L_{\mathrm{MF}}, L_{c})_k \text{ recorded}",
        sources=(review("section 3.4, RC5 and E3"),),
        severity=Severity.BLOCK,
        predicate=raw_losses_recorded,
        example={"recorded": RAW_COLUMNS},
        counterexample={"recorded": ("weighted", "lr")},
        remedy="Record the raw losses outside the diagnostics switch.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("M1",),
    ),
    Law(
        id="OBS-002",
        title="what is shown was recorded",
        statement="What is read or shown of a run is what was recorded, under its own name, step, run and unit.",
        equation=r"\forall k, c:\ \mathrm{shown}(k, c) = \mathrm{recorded}(k, c)",
        sources=(measured("tests/laws/test_law_shown.py"),),
        severity=Severity.BLOCK,
        predicate=shown_as_recorded,
        example={"wrong": ()},
        counterexample={"wrong": ("raw_fm at step 3",)},
        remedy="Follow the number from the trace to the place where it is shown.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="OBS-003",
        title="a verdict is shown as it was found",
        statement="Wherever a verdict is shown, each finding has its own law, level, file and line, and none lacks.",
        equation=r"\mathrm{shown} = \{(\mathrm{law}, \mathrm{level}, \mathrm{file}, \mathrm{line})\}",
        sources=(measured("tests/laws/test_law_verdict_shown.py"),),
        severity=Severity.BLOCK,
        predicate=shown_as_found,
        example={"found": ("LR-003 warning run.yaml:3",), "shown": ("LR-003 warning run.yaml:3",)},
        counterexample={"found": ("LR-003 warning run.yaml:3",), "shown": ("LR-003 warning run.yaml:4",)},
        remedy="Follow the finding from the verdict to the format that shows it.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
)
