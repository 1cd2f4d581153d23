"""`store.json`: how a latent store was made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neuromf.data.content import canonical_json, file_sha256
from neuromf.data.preprocess import Preprocessing
from neuromf.data.statistics import ChannelStatistics
from neuromf.errors import InputError, UnreadableError

SCHEMA_VERSION = 1
_DERIVED = "unit_scale_factor"
"""Written for the reader; it follows from the rest, so that no hash needs it and files without it are whole."""
_REMEDY = "restore the file or encode the scans again"


@dataclass(frozen=True)
class StoreDescription:
    """Everything that decides a store's latents.

    Attributes:
        schema_version: of the store's layout.
        preprocessing: of every scan.
        codec_fingerprint: of the autoencoder.
        scale_factor: that the latents carry.
        encoding: "posterior_mean", and of which tiles where a scan was not encoded whole.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        statistics: channel statistics of the training split.
        affine: voxel-to-millimetre map of the preprocessed grid, upright, with its middle at the origin; a scan's own,
            which lies where its scanner saw the head, tilted as it was, is in its latent file's header.
        content_hash: sha256 of manifest and description.
    """

    schema_version: int
    preprocessing: Preprocessing
    codec_fingerprint: str
    scale_factor: float
    encoding: str
    split_ratios: tuple[float, float, float]
    split_seed: int
    statistics: ChannelStatistics
    affine: tuple[tuple[float, ...], ...]
    content_hash: str

    @property
    def unit_scale_factor(self) -> float:
        """The factor that gives the training split's raw latents a standard deviation of 1, over all channels together.

        Latent diffusion models (Rombach et al. 2022, section 3.3 and appendix G) scale by it. Training here does not
        depend on it, for each channel is standardised by its own statistics.
        """
        return self.scale_factor / self.statistics.pooled_std()


def content_hash(description: StoreDescription, manifest: Path) -> str:
    """Hash of the manifest file (which holds every latent's hash) and of the description without its own hash."""
    facts = _facts(description)
    del facts["content_hash"]
    return hashlib.sha256((canonical_json(facts) + file_sha256(manifest)).encode()).hexdigest()


def write_description(path: Path, description: StoreDescription) -> None:
    """Write `store.json`."""
    facts = _facts(description) | {_DERIVED: description.unit_scale_factor}
    path.write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _facts(description: StoreDescription) -> dict[str, Any]:
    """As it is written: without what means the same as before it could be asked for, so that old hashes hold."""
    facts = asdict(description)
    if facts["preprocessing"]["clip_above"]:
        del facts["preprocessing"]["clip_above"]
    return facts


def read_description(path: Path) -> StoreDescription:
    """Read and check `store.json`.

    Raises:
        InputError: if it is missing, not JSON, of another schema version, or a field is missing, foreign or wrong.
    """
    if not path.is_file():
        raise InputError("the latent store has no description", remedy=_REMEDY, file=path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    except ValueError as error:
        raise InputError(f"the description cannot be read ({error!r})", remedy=_REMEDY, file=path) from error
    try:
        facts = json.loads(text)
        return _description(facts)
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=path, key=error.key) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"the description cannot be read ({error!r})", remedy=_REMEDY, file=path) from error


def _description(facts: dict[str, Any]) -> StoreDescription:
    if facts["schema_version"] != SCHEMA_VERSION:
        problem = f"schema version {facts['schema_version']!r} is not {SCHEMA_VERSION}"
        raise InputError(problem, remedy="encode the scans again with this neuromf", key="schema_version")
    settings = facts["preprocessing"]
    preprocessing = Preprocessing(
        float(settings["spacing_mm"]), tuple(settings["shape"]), tuple(settings["intensity_percentiles"]),
        clip_above=_flag(settings.get("clip_above", True)),
    )  # fmt: skip
    statistics = ChannelStatistics(*(tuple(float(value) for value in facts["statistics"][k]) for k in ("mean", "std")))
    structured = {
        "preprocessing": preprocessing,
        "statistics": statistics,
        "split_ratios": tuple(facts["split_ratios"]),
        "affine": tuple(tuple(row) for row in facts["affine"]),
    }
    stored = {name: value for name, value in facts.items() if name != _DERIVED}
    return StoreDescription(**(stored | structured))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"clip_above is {value!r}")
    return value
