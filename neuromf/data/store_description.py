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


def content_hash(description: StoreDescription, manifest: Path) -> str:
    """Hash of the manifest file (which holds every latent's hash) and of the description without its own hash."""
    facts = asdict(description)
    del facts["content_hash"]
    return hashlib.sha256((canonical_json(facts) + file_sha256(manifest)).encode()).hexdigest()


def write_description(path: Path, description: StoreDescription) -> None:
    """Write `store.json`."""
    path.write_text(json.dumps(asdict(description), indent=2, allow_nan=False) + "\n", encoding="utf-8")


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
        float(settings["spacing_mm"]), tuple(settings["shape"]), tuple(settings["intensity_percentiles"])
    )
    statistics = ChannelStatistics(*(tuple(float(value) for value in facts["statistics"][k]) for k in ("mean", "std")))
    structured = {
        "preprocessing": preprocessing,
        "statistics": statistics,
        "split_ratios": tuple(facts["split_ratios"]),
        "affine": tuple(tuple(row) for row in facts["affine"]),
    }
    return StoreDescription(**(facts | structured))
