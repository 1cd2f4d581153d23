"""What `neuromf data check-vae` measured, kept in the cache for the gate to judge."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from neuromf.data.cache_entry import cache_directory
from neuromf.data.content import content_key
from neuromf.data.preprocess import Preprocessing
from neuromf.data.reconstruction import Reconstruction
from neuromf.output import whole_file

_FOLDER = "autoencoders"


@dataclass(frozen=True)
class KeptQuality:
    """How much an autoencoder kept of some scans.

    Attributes:
        scans: how many.
        psnr: median over scans of the PSNR over the head, in dB.
        resampled_psnr: likewise, of a resampling to as many numbers as a latent has.
    """

    scans: int
    psnr: float
    resampled_psnr: float

    @classmethod
    def of(cls, made: Sequence[Reconstruction]) -> KeptQuality:
        """The medians of what was measured; one that is no number makes the median none."""
        psnr = [one.psnr for one in made]
        lost = any(math.isnan(value) for value in psnr)
        middle = math.nan if lost else statistics.median(psnr)
        return cls(len(made), middle, statistics.median(one.resampled_psnr for one in made))


def keep(kept: KeptQuality, source: str, preprocessing: Preprocessing, fingerprint: str) -> None:
    """Keep what was measured, instead of what was before.

    Args:
        kept: what was measured.
        source: folder of the scans, or what stands for them.
        preprocessing: of every scan.
        fingerprint: of the autoencoder.

    Raises:
        InputError: the cache cannot be written.
    """
    path = _path(source, preprocessing, fingerprint)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as staging:
        staging.write_text(json.dumps(asdict(kept)) + "\n", encoding="utf-8")


def kept_of(source: str, preprocessing: Preprocessing, fingerprint: str) -> KeptQuality | None:
    """What was measured last; None where nothing was, or where it cannot be read."""
    try:
        facts = json.loads(_path(source, preprocessing, fingerprint).read_text(encoding="utf-8"))
        return KeptQuality(int(facts["scans"]), float(facts["psnr"]), float(facts["resampled_psnr"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _path(source: str, preprocessing: Preprocessing, fingerprint: str) -> Path:
    return cache_directory() / _FOLDER / f"{content_key([source, preprocessing, fingerprint])[:32]}.json"
