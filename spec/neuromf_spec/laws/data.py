"""The latents a run is trained on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neuromf_spec.citations import public_code, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

SPLITS = 3
"""Training, validation and test."""
MOMENT_TOLERANCE = 1e-4
"""Absolute: float32 latents of 442,368 dims lose 1e-6 when they are shifted and scaled."""


def standardised_latents(*, mean: Sequence[float], std: Sequence[float]) -> Finding:
    """Judge the training latents after normalisation, channel by channel."""
    worst = max((*(abs(m) for m in mean), *(abs(s - 1) for s in std)), default=float("nan"))
    # `not <=` over every number, because max() may hide a NaN that is not its first argument.
    broken = [value for value in (*(abs(m) for m in mean), *(abs(s - 1) for s in std)) if not value <= MOMENT_TOLERANCE]
    return Finding(
        passed=bool(mean) and not broken,
        value=worst,
        bound=f"<= {MOMENT_TOLERANCE:g}",
        unit="off mean 0 and std 1",
        detail=f"channel means {_listed(mean)}, standard deviations {_listed(std)}",
    )


def disjoint_splits(
    *, shared_subjects: int, empty_splits: Collection[str] = (), unnamed_scans: int = 0, subjects: int | None = None
) -> Finding:
    """Judge a split.

    Args:
        shared_subjects: subjects with scans in more than one split.
        empty_splits: splits that were asked for a share and have no subject.
        unnamed_scans: scans whose file name gives no subject, so that each counts as a subject of its own.
        subjects: number of subjects, where it is known.
    """
    empty = f"; no subject in {', '.join(empty_splits)}" if empty_splits else ""
    guess = f"; {unnamed_scans} scans name no subject: two of one head could part ways" if unnamed_scans else ""
    return Finding(
        passed=shared_subjects == 0 and not empty_splits,
        value=f"{shared_subjects}{empty}",
        bound="0, every split with a share has subjects",
        unit="subjects in two splits",
        detail=("" if subjects is None else f"{subjects} subjects{', too few for that' if empty else ''}") + guess,
        passing_value=_shares(subjects) if empty_splits and subjects is not None else "",
        severity=Severity.INFO if unnamed_scans and not shared_subjects and not empty_splits else None,
    )


def _shares(subjects: int) -> str:
    """An override that gives each split a subject; empty where there are fewer subjects than splits."""
    least = round(1 / subjects, 6)
    return f"data.split_ratios=[{1 - 2 * least:.6g},{least},{least}]" if subjects >= SPLITS else ""


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


LAWS = (
    Law(
        id="DATA-001",
        title="latents are standardised",
        statement="Training latents are finite with mean 0 and standard deviation 1 per channel, by statistics of the "
        "training split alone, and the inverse restores them.",
        equation=r"\hat z_c = (z_c - \mu_c)/\sigma_c,\quad (\mu_c, \sigma_c) \text{ from the training split}",
        sources=(review("section 4.3"), public_code("latent_stats.py:180, statistics over validation and test too")),
        severity=Severity.BLOCK,
        predicate=standardised_latents,
        example={"mean": (0.0, 0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0, 1.0)},
        counterexample={"mean": (0.35, 0.18, 0.33, -0.13), "std": (1.16, 1.2, 0.54, 0.88)},
        remedy="Encode the scans again and normalise by the manifest's training statistics.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("D1",),
    ),
    Law(
        id="DATA-002",
        title="subjects stay in one split",
        statement="No subject has scans in two splits, and a split is a function of ids, seed and ratios alone.",
        equation=r"S_i \cap S_j = \emptyset \text{ for } i \ne j",
        sources=(review("section 5.3"), public_code("89fbc54, latent_dataset.py:77, a split by file")),
        severity=Severity.BLOCK,
        predicate=disjoint_splits,
        example={"shared_subjects": 0},
        counterexample={"shared_subjects": 3},
        remedy="Split by subject, never by file.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("D3",),
    ),
)
