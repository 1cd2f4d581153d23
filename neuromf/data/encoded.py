"""Latents of single scans, kept as they are encoded: after a kill or with a new scan only the rest is encoded."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from neuromf.data.scan_hashes import ScanHashes
from neuromf.data.statistics import ChannelMoments, channel_moments
from neuromf.errors import UnreadableError


@dataclass(frozen=True)
class Encoded:
    """One encoded scan.

    Attributes:
        sha256: of its file.
        shape: (C, D, H, W) of the latent.
        moments: of its channels.
    """

    sha256: str
    shape: tuple[int, ...]
    moments: ChannelMoments


class EncodedScans:
    """A folder of encoded scans that were made alike, each known by the content of its file.

    Args:
        folder: where they are kept; made when the first is.
        hashes: of the scans' files.
    """

    def __init__(self, folder: Path, hashes: ScanHashes | None = None) -> None:
        self.folder = folder
        self._hashes = hashes or ScanHashes()
        self._copied: list[Path] = []
        self._names: dict[Path, str] = {}

    def find(self, scan: Path) -> Encoded | None:
        """What is kept of a scan; None where nothing is, or where it is not what was written.

        Raises:
            UnreadableError: it is there and the system does not give it.
        """
        latent, facts = self._files(scan)
        try:
            content, text = latent.read_bytes(), facts.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableError.of(latent, error) from error
        try:
            document = json.loads(text)
            moments = ChannelMoments(
                tuple(document["moments"]["mean"]), tuple(document["moments"]["std"]), document["moments"]["count"]
            )
            found = Encoded(document["sha256"], tuple(document["shape"]), moments)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return found if hashlib.sha256(content).hexdigest() == found.sha256 else None

    def keep(self, scan: Path, latent: torch.Tensor, metadata: dict[str, str]) -> Encoded:
        """Keep a scan's latent (C, D, H, W) with the metadata of its file."""
        content = save({"latent": latent}, metadata=metadata)
        encoded = Encoded(hashlib.sha256(content).hexdigest(), tuple(latent.shape), channel_moments(latent))
        self.folder.mkdir(parents=True, exist_ok=True)
        path, facts = self._files(scan)
        _write(path, content)
        _write(facts, json.dumps(asdict(encoded)).encode())
        return encoded

    def give(self, scan: Path, target: Path) -> None:
        """Put the file of a scan that was found or kept at `target`: a second name, which takes no room, or a copy."""
        path = self.folder / f"{self._names[scan]}.safetensors"
        try:
            os.link(path, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(path, target)
            self._copied.append(path)

    def drop_copied(self) -> None:
        """Delete what was copied into a store that is complete: twice the room is not worth the time."""
        for path in self._copied:
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
        self._copied.clear()

    def _files(self, scan: Path) -> tuple[Path, Path]:
        name = self._names[scan] = self._hashes.of(scan)[:32]
        return self.folder / f"{name}.safetensors", self.folder / f"{name}.json"


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all, readable to whom the umask lets read."""
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        staging.write_bytes(content)
        os.replace(staging, path)
    finally:
        staging.unlink(missing_ok=True)
