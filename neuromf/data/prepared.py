"""A scan read and brought to its form, ready for the autoencoder; in this process or in one that works ahead."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neuromf.data.encoded import EncodedScans
from neuromf.data.hash_notes import FileState
from neuromf.data.nifti import Volume, read_volume
from neuromf.data.preprocess import Preprocessing, preprocess
from neuromf.data.scan_hashes import ScanHashes, file_state, refuse_written_since
from neuromf.errors import InputError, UnreadableError

if TYPE_CHECKING:
    from neuromf.nets.vae import LatentCodec


@dataclass(frozen=True)
class Prepared:
    """What became of a scan.

    Attributes:
        path: its file.
        digest: sha256 of its content; empty where it could not be read.
        state: of the file before it was read.
        volume: the preprocessed scan; None where it is encoded already, or cannot be used.
        failure: why it cannot be used.
        lasting: whether the failure lies in the content, so that whoever tries again meets it again.
    """

    path: Path
    digest: str = ""
    state: FileState | None = None
    volume: Volume | None = None
    failure: InputError | None = None
    lasting: bool = False


def prepare(path: Path, settings: Preprocessing, kept: EncodedScans) -> Prepared:
    """Read a scan and preprocess it, unless its latent is kept already; nothing is raised for a bad scan."""
    try:
        state = file_state(path)
        digest = kept.hashes.of(path)
    except InputError as error:
        return Prepared(path, failure=_of(path, error))
    if kept.settled(digest):
        return Prepared(path, digest, state)
    try:
        try:
            volume = preprocess(read_volume(path), settings)
        finally:
            refuse_written_since(path, state)
    except InputError as error:
        lasting = not isinstance(error, UnreadableError) and _unchanged(path, state)
        return Prepared(path, digest, state, failure=_of(path, error), lasting=lasting)
    return Prepared(path, digest, state, volume)


def encode_prepared(prepared: Prepared, codec: LatentCodec) -> tuple[Tensor, dict[str, str]]:
    """Latent (C, D, H, W) on the CPU and what its file says besides.

    Raises:
        InputError: the latent is not finite, or the scan was written meanwhile.
    """
    if prepared.volume is None or prepared.state is None:
        raise ValueError(f"{prepared.path} was not prepared")
    latent = codec.encode(torch.from_numpy(prepared.volume.data)[None, None])[0].cpu().contiguous()
    refuse_written_since(prepared.path, prepared.state)
    if not bool(torch.isfinite(latent).all()):
        problem = "the autoencoder gave NaN or infinite values for this scan"
        raise InputError(problem, remedy="check the autoencoder's weights", file=prepared.path)
    filled = {"filled": prepared.volume.filled} if prepared.volume.filled else {}
    return latent, {"affine": json.dumps(prepared.volume.affine.tolist())} | filled


def prepare_apart(path: Path, settings: Preprocessing, folder: Path, hashes: Path | None) -> Prepared:
    """`prepare` in a process of its own, which is told folders."""
    return prepare(path, settings, _kept(folder, hashes))


@cache
def _kept(folder: Path, hashes: Path | None) -> EncodedScans:
    """The same for all scans of a worker: there may be 100,000 notes to read."""
    return EncodedScans(folder, ScanHashes(hashes))


def _of(path: Path, error: InputError) -> InputError:
    return type(error)(error.problem, remedy=error.remedy, file=path, key=error.key)


def _unchanged(path: Path, state: FileState) -> bool:
    try:
        return file_state(path) == state
    except InputError:
        return False
