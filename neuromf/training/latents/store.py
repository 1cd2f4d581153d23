"""The latents a configuration trains on, encoded once and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from neuromf.config.schema import Config
from neuromf.data.cache import demo_latents, kept_scan_latents, scan_latents
from neuromf.data.cohort import Scan, Selection, discover_scans, select_scans
from neuromf.data.examine import examine_scans, refuse_bad_scans
from neuromf.data.preprocess import Preprocessing
from neuromf.data.store import LatentStore, open_latents
from neuromf.errors import UnreadableError


def chosen_scans(config: Config) -> list[Scan]:
    """The scans that `config` trains on now; none for the built-in cohort, which is made.

    Raises:
        InputError: the folder holds none, or they cannot be told apart.
    """
    return [] if config.data.root is None else discover_scans(Path(config.data.root))


def selected_scans(config: Config) -> Selection | None:
    """What the folder of `config` offers, what is trained on and what is left; None for the built-in cohort.

    Raises:
        InputError: as `chosen_scans`.
    """
    return None if config.data.root is None else select_scans(Path(config.data.root))


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
    preprocessing = preprocessing_of(config)
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
        _look_through(config, chosen, on_progress, tell)
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
        preprocessing_of(config),
        config.vae.checkpoint,
        split_ratios=data.split_ratios,
        split_seed=data.split_seed,
    )
    return None if path is None else open_latents(path, verify=False)


def scans_source(config: Config) -> str:
    """The folder of the scans of `config`, or what stands for the built-in cohort."""
    data = config.data
    return f"demo {data.demo_seed}" if data.root is None else str(Path(data.root).resolve())


def preprocessing_of(config: Config) -> Preprocessing:
    """How `config` brings every scan to one form."""
    data = config.data
    return Preprocessing(data.spacing_mm, data.shape, data.intensity_percentiles, clip_above=data.clip_above)


def _look_through(
    config: Config,
    scans: Sequence[Scan],
    on_progress: Callable[[int, int], None] | None,
    tell: Callable[[str], None] | None,
) -> None:
    try:
        encoded = encoded_store(config, scans) is not None
    except UnreadableError:  # of one scan: all such are named together
        encoded = False
    if not encoded:
        found = examine_scans(scans, on_progress=on_progress)
        refuse_bad_scans(found)
        if tell is not None:
            for line in found.lines():
                tell(line)
