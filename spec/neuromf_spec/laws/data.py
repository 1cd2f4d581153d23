"""The latents a run is trained on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neuromf_spec.citations import measured, public_code, review
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

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
    *,
    shared_subjects: int,
    empty_splits: Collection[str] = (),
    unnamed_scans: int = 0,
    alike: Sequence[str] = (),
    subjects: int | None = None,
) -> Finding:
    """Judge a split.

    Args:
        shared_subjects: subjects with scans in more than one split.
        empty_splits: splits that were asked for a share and have no subject. Only an empty training split breaks the
            law: a small cohort may leave the others empty, and a run that validates is judged by VAL-001.
        unnamed_scans: scans whose subject is guessed, because no rule reads one from their names: a warning.
        alike: two guessed subjects that look like one person, empty where none do.
        subjects: number of subjects, where it is known.
    """
    empty = f"; no subject in {', '.join(empty_splits)}" if empty_splits else ""
    guess = f"; the subjects of {unnamed_scans} scans are guessed: two of one head could part" if unnamed_scans else ""
    if alike:
        guess = f"; {alike[0]!r} and {alike[1]!r} look like one person and count as two{guess}"
    untrained = "train" in empty_splits
    sound = shared_subjects == 0 and not untrained
    return Finding(
        passed=sound and not unnamed_scans,
        value=f"{shared_subjects}{empty}",
        bound="0, and a subject to train on",
        unit="subjects in two splits",
        detail=("" if subjects is None else f"{subjects} subjects") + guess,
        passing_value="data.split_ratios=[1.0,0.0,0.0]" if untrained else "",
        severity=Severity.WARN if unnamed_scans and sound else None,
    )


def readable_scans(*, unreadable: int, scans: int, named: Sequence[str] = (), allowed: int = 0) -> Finding:
    """Judge a cohort by how many of its scans cannot be used.

    Args:
        unreadable: of them, those that cannot.
        scans: all there are.
        named: some of the bad ones, each with what is wrong with it.
        allowed: how many the configuration lets be set aside.
    """
    more = f"; and {unreadable - len(named)} more" if unreadable > len(named) > 0 else ""
    return Finding(
        passed=scans > unreadable and unreadable <= allowed,
        value=f"{unreadable} of {scans}",
        bound=f"at most {allowed}, and not all",
        unit="scans cannot be used",
        detail="; ".join(named) + more,
    )


def readable_autoencoder(*, problem: str) -> Finding:
    """Judge the autoencoder's file by what opening it said; empty where it loaded."""
    return Finding(passed=not problem, value="does not load" if problem else "loads", bound="loads", detail=problem)


def kept_by_autoencoder(*, scans: int, psnr: float, resampled_psnr: float) -> Finding:
    """Judge an autoencoder by what it gives back of scans.

    Args:
        scans: that were encoded and decoded.
        psnr: median of the peak signal-to-noise ratio over the head, in dB.
        resampled_psnr: the same of scans resampled to as many numbers as a latent has, and back.
    """
    return Finding(
        passed=scans > 0 and psnr > resampled_psnr,
        value=psnr,
        bound=f"> {resampled_psnr:.4g}, a plain resampling to as many numbers",
        unit="dB over the head",
        detail=f"median of {scans} scans",
    )


PLACE_TOLERANCE_MM = 1e-3
"""World coordinates of a few hundred millimetres, by way of a spacing in float32, are off by 1e-5."""
VALUE_TOLERANCE = 2e-3
"""Of the range from 0 to 1: blur and interpolation in float32 are off by 1e-5, more where percentiles lie close."""


def anatomy_in_place(*, place_error_mm: float, value_error: float) -> Finding:
    """Judge a volume that was made of a scan.

    Args:
        place_error_mm: largest difference of a coordinate from the one that the point has in the world.
        value_error: largest difference of a voxel from what the scan has at that point, on the scale from 0 to 1.
    """
    return Finding(
        passed=place_error_mm <= PLACE_TOLERANCE_MM and value_error <= VALUE_TOLERANCE,
        value=f"{place_error_mm:.3g} mm, {value_error:.3g}",
        bound=f"<= {PLACE_TOLERANCE_MM:g} mm, {VALUE_TOLERANCE:g}",
        unit="off in place and value",
    )


def nothing_stale(*, unnoticed: Collection[str]) -> Finding:
    """Judge the names under which results are kept.

    Args:
        unnoticed: inputs, each in words, that were changed alone and left the name as it was.
    """
    return Finding(
        passed=not unnoticed,
        value=len(unnoticed),
        bound="0",
        unit="changes that leave the name as it was",
        detail=", ".join(sorted(unnoticed)),
    )


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
        statement="No subject has scans in two splits, some subject trains, and a split is a function of ids, seed and "
        "ratios alone.",
        equation=r"S_i \cap S_j = \emptyset \text{ for } i \ne j",
        sources=(review("section 5.3"), public_code("89fbc54, latent_dataset.py:77, a split by file")),
        severity=Severity.BLOCK,
        predicate=disjoint_splits,
        example={"shared_subjects": 0},
        counterexample={"shared_subjects": 3},
        remedy="Split by subject, never by file, and leave subjects to train on.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("D3",),
    ),
    Law(
        id="DATA-004",
        title="every scan can be used",
        statement="Every scan of the cohort is a whole 3-D volume of finite numbers, not all alike, on a sound affine, "
        "save for the share that data.max_quarantined lets be set aside.",
        equation=r"|\{s : s \text{ cannot be used}\}| \le q\,|S|",
        sources=(measured("tests/unit/data/test_examine.py"),),
        severity=Severity.BLOCK,
        predicate=readable_scans,
        example={"unreadable": 0, "scans": 23},
        counterexample={"unreadable": 7, "scans": 23},
        remedy="Move these files out of the folder, repair them, or raise data.max_quarantined.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
    ),
    Law(
        id="DATA-005",
        title="the autoencoder loads",
        statement="The autoencoder that encodes the scans is there, whole, and makes latents of the run's shape.",
        equation=r"E: \mathbb{R}^{D \times H \times W} \to \mathbb{R}^{4 \times D/4 \times H/4 \times W/4}",
        sources=(measured("tests/unit/gate/test_gate_inputs.py"),),
        severity=Severity.BLOCK,
        predicate=readable_autoencoder,
        example={"problem": ""},
        counterexample={"problem": "there is no such autoencoder file"},
        remedy="Give vae.checkpoint a file of MAISI's weights, or 'demo' for those that are shipped.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
    ),
    Law(
        id="DATA-006",
        title="anatomy stays in its place",
        statement="A voxel of a preprocessed scan, of a latent and of a written volume shows what the scan has at the "
        "same place of the world.",
        equation=r"v(i) = s\left(A_s^{-1} A_v\, i\right)",
        sources=(measured("tests/laws/test_law_anatomy.py"),),
        severity=Severity.BLOCK,
        predicate=anatomy_in_place,
        example={"place_error_mm": 1e-5, "value_error": 1e-5},
        counterexample={"place_error_mm": 44.0, "value_error": 0.4},
        remedy="Compare axes, signs and offsets of the affine with those of the voxels, step by step.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="DATA-007",
        title="what is kept is what would be made",
        statement="Whatever decides a kept latent decides its name: an argument, a weight, a byte of a scan, the code.",
        equation=r"\text{name}(x) = \text{name}(y) \Rightarrow \text{latents}(x) = \text{latents}(y)",
        sources=(measured("tests/unit/data/test_cache_key.py"),),
        severity=Severity.BLOCK,
        predicate=nothing_stale,
        example={"unnoticed": ()},
        counterexample={"unnoticed": ("a scan replaced by one of its size and time",)},
        remedy="Put what was changed into the key in neuromf/data/cache.py.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="DATA-008",
        title="the autoencoder keeps the scans",
        statement="An autoencoder gives back more of the cohort's heads than a plain resampling to as many numbers "
        "does.",
        equation=r"\text{med} \text{PSNR}(D(E(v)), v) > \text{med} \text{PSNR}(\uparrow\downarrow v, v)",
        sources=(measured("tests/unit/data/test_reconstruction.py"),),
        severity=Severity.WARN,
        basis=Basis.DEMANDED,
        predicate=kept_by_autoencoder,
        example={"scans": 8, "psnr": 31.0, "resampled_psnr": 26.0},
        counterexample={"scans": 8, "psnr": 19.0, "resampled_psnr": 26.0},
        remedy="Look at the picture of `neuromf data check-vae`: give the autoencoder that was trained on such scans, "
        "or scale them as it was trained (data.clip_above, data.intensity_percentiles, data.spacing_mm).",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
    ),
)
