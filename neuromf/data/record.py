"""What a run's folder keeps of its latents, so that it needs neither scans nor cache to be continued, read or sampled.

The folder `latents` of a run is a latent store without most of its latents:

    manifest.csv, store.json    copies: statistics, affine, preprocessing, splits, a hash of every latent
    scans/                      a few real training latents, to stand beside samples
    scans.csv                   the scans, each with path, size and time; not for the built-in cohort
    origin.json                 where the store and the autoencoder lay
    covariates.csv              what is known of each scan's subject; only where the network is told of it

Manifest and list hold the ids of subjects and the paths of their scans, and a latent is as good as the scan that it was
encoded from: a run's folder must be kept as the scans are. The files below `scans/` may be left out or deleted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from neuromf.data.frozen_scans import FrozenScan, write_scans
from neuromf.data.store import LatentStore, open_latents, verify_scan
from neuromf.errors import InputError

VERSION = 1
MOST_REAL = 8
"""Real latents that a run may keep; at full size each takes 1.8 MB."""
ORIGIN, SCANS = "origin.json", "scans.csv"
_COPIED = ("manifest.csv", "store.json", "cohort.csv", "quarantine.csv")


@dataclass(frozen=True)
class Origin:
    """Where a run's latents came from; all paths are absolute.

    Attributes:
        source: `data.source` of the run.
        store: the latent store that was trained on.
        in_cache: its path below the folder of the cache; empty where it lay elsewhere.
        autoencoder: "demo" or the file.
    """

    source: str
    store: str
    in_cache: str
    autoencoder: str


@dataclass(frozen=True)
class Record:
    """An opened record.

    Attributes:
        folder: of the record.
        origin: where the latents came from.
        store: manifest and description, with few of the latents.
    """

    folder: Path
    origin: Origin
    store: LatentStore

    @property
    def scans(self) -> Path:
        """The list of scans."""
        return self.folder / SCANS


def write_record(folder: Path, store: LatentStore, origin: Origin, scans: Sequence[FrozenScan], *, real: int) -> None:
    """Write the record of a store.

    Args:
        folder: to create.
        store: what the run trains on.
        origin: where it came from.
        scans: what it was encoded from; empty for the built-in cohort.
        real: training latents to keep, the first of the split.

    Raises:
        InputError: the disk refuses.
    """
    try:
        (folder / "scans").mkdir(parents=True, exist_ok=True)
        for name in _COPIED:
            if (store.path / name).is_file():
                shutil.copyfile(store.path / name, folder / name)
        for scan_id in store.scan_ids("train")[:real]:
            shutil.copyfile(_latent(store, scan_id), _latent_in(folder, scan_id))
        if scans:
            write_scans(folder / SCANS, scans)
        text = json.dumps({"version": VERSION, **asdict(origin)}, indent=1) + "\n"
        (folder / ORIGIN).write_text(text, encoding="utf-8")
    except OSError as error:
        reason, file = error.strerror or str(error), error.filename or folder
        raise InputError(f"cannot be kept ({reason})", remedy="make room and try again", file=str(file)) from error


def read_record(folder: Path) -> Record:
    """Open a run's record.

    Raises:
        InputError: a file of it is missing, altered or of another version.
    """
    origin = _read_origin(folder / ORIGIN)
    return Record(folder, origin, open_latents(folder, verify=False))


def real_latents(store: LatentStore, count: int) -> Tensor:
    """The first training latents of a store, as far as they are there.

    Returns:
        float32 (N, C, D, H, W), normalised, N <= count.

    Raises:
        InputError: one of them is damaged.
    """
    rows = store.manifest[store.manifest["split"] == "train"].iloc[:count]
    present = [
        (str(scan_id), str(sha256))
        for scan_id, sha256 in zip(rows["scan_id"], rows["sha256"], strict=True)
        if _latent(store, str(scan_id)).is_file()
    ]
    for scan_id, sha256 in present:
        verify_scan(store, scan_id, sha256)
    if not present:
        return torch.empty((0, *store.latent_shape))
    return store.statistics.normalise(torch.stack([store.raw(scan_id) for scan_id, _ in present]))


def _read_origin(path: Path) -> Origin:
    remedy = "restore the file from a copy of the run"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        version = facts.pop("version")
        if version != VERSION:
            raise InputError(f"version {version!r} is not {VERSION}", remedy="use the neuromf that wrote it", file=path)
        if not all(isinstance(value, str) for value in facts.values()):
            raise TypeError("a value is no text")
        return Origin(**facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not readable ({error!r})", remedy=remedy, file=path) from error


def _latent(store: LatentStore, scan_id: str) -> Path:
    return _latent_in(store.path, scan_id)


def _latent_in(folder: Path, scan_id: str) -> Path:
    return folder / "scans" / f"{scan_id}.safetensors"
