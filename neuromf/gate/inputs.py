"""Opens the inputs of a training within the gate: the scans of the cohort and the autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from neuromf_spec.registry import law

from neuromf.config.schema import Config
from neuromf.counted import counted
from neuromf.data.autoencoder_record import KeptQuality, kept_of
from neuromf.data.cohort import Scan
from neuromf.data.examine import NAMED, VOXELS_READ_OF, Examination, examine_scans
from neuromf.data.index.covariate_rows import covariate_lines, covariate_rows
from neuromf.data.quarantine import most_quarantined
from neuromf.errors import InputError
from neuromf.gate.result import LawResult, law_result
from neuromf.monitor.checks.runtime_checks import LawReading, judge
from neuromf.training.latents.store import preprocessing_of, scans_source

if TYPE_CHECKING:
    from neuromf.nets.vae import LatentCodec

KEYS = {"DATA-004": "data.root", "DATA-005": "vae.checkpoint", "DATA-008": "vae.checkpoint"}
UNMEASURED = "how much the autoencoder keeps of these scans is not known; `neuromf data check-vae` measures it"


@dataclass(frozen=True)
class Inputs:
    """What was found.

    Attributes:
        results: the laws judged on it.
        notes: what else there is to say, a sentence each.
        bad: scans that cannot be used, all of them: file, problem, remedy.
    """

    results: tuple[LawResult, ...]
    notes: tuple[str, ...]
    bad: tuple[dict[str, str], ...]

    @property
    def summary(self) -> dict[str, Any]:
        """As a verdict keeps it."""
        return {"bad_scans": list(self.bad)}


def open_inputs(
    config: Config,
    sources: Mapping[str, str],
    scans: Sequence[Scan],
    *,
    trains: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Inputs:
    """Look at every scan of the user's own and load the autoencoder.

    Args:
        config: the configuration that is judged.
        sources: where each value comes from, by dotted key.
        scans: what it would train on.
        trains: whether a training follows, which needs the autoencoder for the built-in cohort too.
        on_progress: called with (done, scans).

    Raises:
        InputError: the run whose weights it starts from is not there, or another network's, or covariates are not.
    """
    from neuromf.training.initial_weights import check_start

    check_start(config)
    covariates = covariate_rows(config, scans)
    (problem, codec), found = _autoencoder(config), _examined(config, scans, on_progress)
    readings: list[LawReading] = []
    notes = covariate_lines(config, covariates)
    if found is not None:
        allowed = most_quarantined(config.data.max_quarantined, found.scans)
        readings.append(_scans_reading(found, allowed))
        if 0 < len(found.bad) <= allowed:
            which = f"{counted(len(found.bad), 'scan')} that cannot be used"
            notes.append(
                f"{which} will be set aside (data.max_quarantined allows {allowed}): {'; '.join(found.named())}"
            )
        notes += [_said_of(found, str(config.data.root)), *found.lines()]
        if len(found.bad) > NAMED:
            notes.append(f"--json FILE and --report FILE name all {len(found.bad):,} of the bad scans, with remedies")
    if found is not None or trains:
        readings.append(judge("DATA-005", problem=problem))
        if codec is not None:
            readings += _kept_reading(config, codec)
            notes += [] if len(readings) > 2 or found is None else [UNMEASURED]
    elif problem:
        notes.append(f"{problem}; the demo autoencoder stands in for it here, a training needs the file")
    return Inputs(tuple(_result(reading, sources) for reading in readings), tuple(notes), _listed(found))


def _examined(
    config: Config, scans: Sequence[Scan], on_progress: Callable[[int, int], None] | None
) -> Examination | None:
    """The user's own scans; the built-in ones are made, so that none of them can be bad."""
    if config.data.root is None:
        return None
    return examine_scans(scans, voxels_of=VOXELS_READ_OF, on_progress=on_progress)


def _autoencoder(config: Config) -> tuple[str, LatentCodec | None]:
    """Why the autoencoder cannot be used, empty where it can; and what loaded."""
    from neuromf.nets.vae import load_vae
    from neuromf.nets.vae_source import vae_source

    try:
        return "", load_vae(vae_source(config.vae))
    except InputError as error:
        return ": ".join(part for part in (error.file, error.key, error.problem) if part), None


def _kept_reading(config: Config, codec: LatentCodec) -> list[LawReading]:
    """What `neuromf data check-vae` measured last of these scans; nothing where it was not run."""
    kept = kept_of(scans_source(config), preprocessing_of(config), codec.fingerprint)
    return [] if kept is None else [_judged(kept)]


def _judged(kept: KeptQuality) -> LawReading:
    return judge("DATA-008", **asdict(kept))


def _scans_reading(found: Examination, allowed: int) -> LawReading:
    return judge("DATA-004", unreadable=len(found.bad), scans=found.scans, named=found.named(), allowed=allowed)


def _said_of(found: Examination, root: str) -> str:
    sample = "all" if found.voxels_of == found.scans else f"{found.voxels_of:,}, evenly spread"
    return f"scans: {found.scans:,} in {root}; read were the headers of all and some voxels of {sample}"


def _listed(found: Examination | None) -> tuple[dict[str, str], ...]:
    bad = () if found is None else found.bad
    return tuple({"file": str(b.scan.path), "problem": b.problem, "remedy": b.remedy} for b in bad)


def _result(reading: LawReading, sources: Mapping[str, str]) -> LawResult:
    key = KEYS[reading.law_id]
    return law_result(law(reading.law_id), reading.finding, key=key, where="inputs", value_source=sources.get(key, ""))
