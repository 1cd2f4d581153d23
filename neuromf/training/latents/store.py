"""The latents a configuration trains on, encoded once and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from neuromf.config.schema import Config
from neuromf.data.cache import demo_latents, encoded_scans, kept_scan_latents, look_for, scan_latents
from neuromf.data.chosen import Cohort, chosen_selection
from neuromf.data.cohort import Scan, Selection
from neuromf.data.examine import VOXELS_READ_OF, examine_scans, refuse_bad_scans
from neuromf.data.first_look import FirstLook
from neuromf.data.latents import encode_missing
from neuromf.data.preprocess import Preprocessing
from neuromf.data.quarantine import most_quarantined
from neuromf.data.store import LatentStore
from neuromf.data.store_settings import StoreSettings
from neuromf.nets.tiling import Tiling
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_source import vae_source


def chosen_scans(config: Config) -> list[Scan]:
    """The scans that `config` trains on now; none for the built-in cohort, which is made.

    Raises:
        InputError: the folder or table holds none, or they cannot be told apart.
    """
    selection = selected_scans(config)
    return [] if selection is None else selection.scans


def selected_scans(config: Config) -> Selection | None:
    """What the folder or table of `config` offers, what is trained on and what is left; None for the built-in cohort.

    Raises:
        InputError: as `chosen_scans`.
    """
    return chosen_selection(config.data)


def store_settings(config: Config, *, workers: int | None = 0, device: torch.device | str = "cpu") -> StoreSettings:
    """How `config` makes latents of scans; the autoencoder is opened for it.

    Args:
        config: the run.
        workers: processes that prepare scans ahead; 0 prepares them here, None chooses.
        device: where the autoencoder computes.

    Raises:
        InputError: the autoencoder cannot be read.
    """
    data = config.data
    codec = load_vae(vae_source(config.vae)).tiled(tiling_of(config)).to(device)
    return StoreSettings(
        preprocessing_of(config), codec, data.split_ratios, data.split_seed,
        max_quarantined=data.max_quarantined, workers=workers,
    )  # fmt: skip


def training_store(
    config: Config,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    on_look: Callable[[int, int], None] | None = None,
    cohort: Cohort | None = None,
    tell: Callable[[str], None] | None = None,
    settings: StoreSettings | None = None,
    look: FirstLook | None = None,
    looked_over: bool = False,
) -> LatentStore:
    """Open the latent store of `config`, encoding its scans first when the cache does not hold them.

    A folder is looked through before its first scan is encoded, which costs a hundredth of encoding it, so that what is
    wrong with its files is told of all of them at once.

    Args:
        config: the run.
        on_progress: called with (done, total) while scans are encoded.
        on_look: called with (done, scans) while scans are looked at, before the first is encoded.
        cohort: the scans, where they were looked for already; the table of them is kept in a store that is made.
        tell: called, before a user's scans are encoded, with each sentence on what is taken and left out.
        settings: what `store_settings` gave, where it was asked already.
        look: what `look_over` gave, where it was asked already.
        looked_over: whether it was, though what it gave does not hold any more.

    Raises:
        InputError: scans, the autoencoder's weights or the cache cannot be read.
    """
    data = config.data
    if data.source == "demo":
        settings = settings or store_settings(config)
        return demo_latents(data.demo_subjects, data.demo_seed, settings, on_progress=on_progress)
    cohort = cohort or Cohort(data)
    settings = settings or store_settings(config)
    if look is None and not looked_over:
        look = look_over(settings, cohort, on_look, tell)
    return scan_latents(
        cohort.scans, settings, on_progress=on_progress, selection=cohort.selection, tell=tell, look=look,
        splits=cohort.splits,
    )  # fmt: skip


def encoded_store(config: Config, scans: Sequence[Scan] | None = None) -> LatentStore | None:
    """The latent store of a user's own scans where an earlier run left it in the cache; it encodes nothing.

    Returns:
        The store, whose latents nobody has read yet; None where the scans are not encoded, or are the built-in ones.

    Raises:
        InputError: the scans or the autoencoder cannot be read.
    """
    if config.data.root is None:
        return None
    return kept_scan_latents(chosen_scans(config) if scans is None else scans, store_settings(config))


def tiling_of(config: Config) -> Tiling:
    """In which parts scans and latents of a run go through its autoencoder."""
    vae = config.vae
    return Tiling(vae.num_splits, vae.tile_voxels, vae.tile_overlap, norm_float16=vae.norm_float16)


def scans_source(config: Config) -> str:
    """The folder or table of the scans of `config`, or what stands for the built-in cohort."""
    data = config.data
    return f"demo {data.demo_seed}" if data.root is None else str(Path(data.root).resolve())


def preprocessing_of(config: Config) -> Preprocessing:
    """How `config` brings every scan to one form."""
    data = config.data
    return Preprocessing(data.spacing_mm, data.shape, data.intensity_percentiles, clip_above=data.clip_above)


def look_over(
    settings: StoreSettings,
    cohort: Cohort,
    on_progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> FirstLook:
    """Look for scans that cannot be used, before hours are spent on the others; of many, at the voxels of some.

    Args:
        settings: how they are encoded.
        cohort: the scans.
        on_progress: called with (done, scans), first as scans are read to see whether they are encoded.
        tell: called with each sentence on scans whose background was no number.

    Returns:
        What is known of each scan.

    Raises:
        InputError: naming them, if there are more than the configuration allows.
    """
    scans = cohort.scans
    look = look_for(scans, settings, cohort.splits, on_progress)
    missing = look.missing(scans)
    if not missing:
        return look
    found = examine_scans(missing, voxels_of=VOXELS_READ_OF, on_progress=on_progress)
    if len(found.bad) > most_quarantined(settings.max_quarantined, len(scans)):
        refuse_bad_scans(found)
    if tell is not None:
        for line in found.lines():
            tell(line)
    return look


def help_encoding(scans: Sequence[Scan], settings: StoreSettings, *, on_progress: Callable[[int, int], None]) -> None:
    """Encode a user's scans together with the process that makes the store; the built-in ones are its own.

    Raises:
        InputError: as `training_store`.
    """
    kept = encoded_scans(settings.preprocessing, settings.codec)
    encode_missing(scans, kept, settings, on_progress=on_progress)
