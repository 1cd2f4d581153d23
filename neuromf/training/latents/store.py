"""The latents a configuration trains on, encoded once and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neuromf.config.schema import Config
from neuromf.data.cache import demo_latents, kept_scan_latents, scan_latents
from neuromf.data.chosen import chosen_selection
from neuromf.data.cohort import Scan, Selection
from neuromf.data.examine import examine_scans, refuse_bad_scans
from neuromf.data.preprocess import Preprocessing
from neuromf.data.store import LatentStore, open_latents
from neuromf.errors import UnreadableError


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


def training_store(
    config: Config,
    on_progress: Callable[[int, int], None] | None = None,
    scans: Sequence[Scan] | None = None,
    *,
    selection: Selection | None = None,
    tell: Callable[[str], None] | None = None,
) -> LatentStore:
    """Open the latent store of `config`, encoding its scans first when the cache does not hold them.

    A folder is looked through before its first scan is encoded, which costs a hundredth of encoding it, so that what is
    wrong with its files is told of all of them at once.

    Args:
        config: the run.
        on_progress: called with (done, total) while scans are encoded.
        scans: what `chosen_scans` gave, where it was asked already.
        selection: where the scans are from; its table is kept in a store that is made.
        tell: called, before a user's scans are encoded, with each sentence on what is taken and left out.

    Raises:
        InputError: scans, the autoencoder's weights or the cache cannot be read.
    """
    data = config.data
    preprocessing = _preprocessing(config)
    if data.source == "demo":
        path = demo_latents(
            data.demo_subjects,
            data.demo_seed,
            preprocessing,
            config.vae.checkpoint,
            split_ratios=data.split_ratios,
            split_seed=data.split_seed,
            on_progress=on_progress,
        )
    else:
        chosen = chosen_scans(config) if scans is None else scans
        _refuse_bad_scans(config, chosen, on_progress)
        path = scan_latents(
            chosen,
            preprocessing,
            config.vae.checkpoint,
            split_ratios=data.split_ratios,
            split_seed=data.split_seed,
            on_progress=on_progress,
            selection=selection,
            tell=tell,
        )
    return open_latents(path, verify=False)  # both functions have just verified it


def encoded_store(config: Config, scans: Sequence[Scan] | None = None) -> LatentStore | None:
    """The latent store of a user's own scans where an earlier run left it in the cache; it encodes nothing.

    Returns:
        The store, whose latents nobody has read yet; None where the scans are not encoded, or are the built-in ones.

    Raises:
        InputError: the scans or the autoencoder cannot be read.
    """
    data = config.data
    if data.root is None:
        return None
    path = kept_scan_latents(
        chosen_scans(config) if scans is None else scans,
        _preprocessing(config),
        config.vae.checkpoint,
        split_ratios=data.split_ratios,
        split_seed=data.split_seed,
    )
    return None if path is None else open_latents(path, verify=False)


def _preprocessing(config: Config) -> Preprocessing:
    return Preprocessing(config.data.spacing_mm, config.data.shape, config.data.intensity_percentiles)


def _refuse_bad_scans(config: Config, scans: Sequence[Scan], on_progress: Callable[[int, int], None] | None) -> None:
    try:
        encoded = encoded_store(config, scans) is not None
    except UnreadableError:  # of one scan: all such are named together
        encoded = False
    if not encoded:
        refuse_bad_scans(examine_scans(scans, on_progress=on_progress))
