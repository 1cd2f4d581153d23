"""Latents of single scans, kept as they are encoded: after a kill or with a new scan only the rest is encoded.

Each is known by the content of its scan's file: `HASH.safetensors` with `HASH.json`, which is written last. A scan that
cannot be used has `HASH.refused.json` instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from neuromf.data.scan_hashes import ScanHashes
from neuromf.data.statistics import ChannelMoments, channel_moments
from neuromf.errors import InputError, UnreadableError

FEW = 250
"""Scans of a cohort that is read to see what is known of it; a larger one is read as it is encoded."""
FACTS, REFUSED = ".json", ".refused.json"


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


@dataclass(frozen=True)
class Survey:
    """What a folder of encoded scans held when it was looked through.

    Attributes:
        encoded: places of contents that have a latent.
        refused: places of contents that cannot be used.
    """

    encoded: frozenset[str]
    refused: frozenset[str]

    def settled(self, digest: str) -> bool:
        """Whether the scan of this content had a latent or a refusal."""
        return bool(digest) and (place_of(digest) in self.encoded or place_of(digest) in self.refused)


def place_of(digest: str) -> str:
    """The name under which a content is kept."""
    return digest[:32]


class EncodedScans:
    """A folder of encoded scans that were made alike, each known by the content of its file.

    Args:
        folder: where they are kept; made when the first is.
        hashes: of the scans' files.

    Attributes:
        folder: the same.
        hashes: the same.
    """

    def __init__(self, folder: Path, hashes: ScanHashes | None = None) -> None:
        self.folder = folder
        self.hashes = hashes or ScanHashes()

    def settled(self, digest: str) -> bool:
        """Whether the scan of this content has a latent or a refusal; neither is opened."""
        return bool(digest) and any(self._place(digest, ending).exists() for ending in (FACTS, REFUSED))

    def survey(self) -> Survey:
        """All that is settled now: one look at the folder instead of two questions for each of 100,000 scans."""
        names = self._names()
        refused = frozenset(name[: -len(REFUSED)] for name in names if name.endswith(REFUSED))
        encoded = (name[: -len(FACTS)] for name in names if name.endswith(FACTS) and not name.endswith(REFUSED))
        return Survey(frozenset(encoded), refused)

    def digest(self, scan: Path, *, read: bool) -> str:
        """Hash of a scan as far as it is noted, or read now; empty where it is not known or cannot be had."""
        if (noted := self.hashes.noted(scan)) or not read:
            return noted
        with suppress(InputError):  # whoever needs its voxels tells it better
            return self.hashes.of(scan)
        return ""

    def count(self) -> int:
        """How many scans are settled, whoever's they are."""
        return sum(name.endswith(FACTS) for name in self._names())

    def find(self, scan: Path) -> Encoded | None:
        """What is kept of a scan; None where nothing is, or where it is not what was written.

        Raises:
            UnreadableError: it is there and the system does not give it.
        """
        digest = self.hashes.of(scan)
        latent, facts = self._latent(digest), self._place(digest, FACTS)
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

    def keep(self, digest: str, latent: torch.Tensor, metadata: dict[str, str]) -> Encoded:
        """Keep the latent (C, D, H, W) of a scan of this content with the metadata of its file."""
        content = save({"latent": latent}, metadata=metadata)
        encoded = Encoded(hashlib.sha256(content).hexdigest(), tuple(latent.shape), channel_moments(latent))
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self._latent(digest), content)
        _write(self._place(digest, FACTS), json.dumps(asdict(encoded)).encode())
        return encoded

    def refuse(self, digest: str, failure: InputError) -> None:
        """Keep why a scan of this content cannot be used, so that nobody tries it again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = {"problem": failure.problem, "remedy": failure.remedy, "key": failure.key}
        _write(self._place(digest, REFUSED), json.dumps(facts).encode())

    def refusal(self, scan: Path, digest: str) -> InputError | None:
        """Why the scan of this content cannot be used, as far as that is kept."""
        try:
            facts = json.loads(self._place(digest, REFUSED).read_bytes())
            return InputError(str(facts["problem"]), remedy=str(facts["remedy"]), file=scan, key=facts["key"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def forget(self, scan: Path) -> None:
        """Let a scan be encoded again, of which something else is kept than was written."""
        self._place(self.hashes.of(scan), FACTS).unlink(missing_ok=True)

    def give(self, scan: Path, target: Path) -> None:
        """Put the kept latent of a scan at `target`: a second name, which takes no room, or a copy."""
        path = self._latent(self.hashes.of(scan))
        try:
            os.link(path, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(path, target)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except FileNotFoundError:
            return []

    def _latent(self, digest: str) -> Path:
        return self._place(digest, ".safetensors")

    def _place(self, digest: str, ending: str) -> Path:
        return self.folder / f"{place_of(digest)}{ending}"


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all, readable to whom the umask lets read."""
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        staging.write_bytes(content)
        os.replace(staging, path)
    finally:
        staging.unlink(missing_ok=True)
