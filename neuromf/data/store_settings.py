"""What decides a latent store besides its scans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuromf.data.preprocess import Preprocessing

if TYPE_CHECKING:
    from neuromf.nets.vae import LatentCodec


@dataclass(frozen=True)
class StoreSettings:
    """How scans become a latent store.

    Attributes:
        preprocessing: of every scan.
        codec: the autoencoder, on its device and tiled as it is to be used; opened once for all who need it.
        split_ratios: shares of train, validation, test.
        split_seed: of the split.
        splits: split by subject, where it was decided before, as that of a run that goes on.
        max_quarantined: share of the scans that may be left out because they cannot be used.
        workers: processes that prepare scans ahead; 0 prepares them here, None chooses. It decides nothing of a store.
    """

    preprocessing: Preprocessing
    codec: LatentCodec
    split_ratios: tuple[float, float, float]
    split_seed: int
    splits: Mapping[str, str] | None = None
    max_quarantined: float = 0.0
    workers: int | None = 0
