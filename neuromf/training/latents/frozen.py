"""The latents of a run: frozen when it begins, the same whenever it goes on, and known to it wherever its folder is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from neuromf.config.schema import Config, VaeConfig
from neuromf.data.cache import cache_directory, is_of, scan_hashes, scan_latents, written_meanwhile
from neuromf.data.cache_entry import kept_store
from neuromf.data.chosen import Cohort
from neuromf.data.cohort import Scan
from neuromf.data.covariates import write_covariates
from neuromf.data.frozen_scans import FrozenScan, freeze, read_scans, refuse_changed
from neuromf.data.index.covariate_rows import covariate_rows
from neuromf.data.record import SCANS, Origin, Record, read_record, real_latents, write_record
from neuromf.data.staging import staged_directory
from neuromf.data.store import LatentStore
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError
from neuromf.nets.vae import LatentCodec
from neuromf.training.latents.autoencoder import absolute_name, find_autoencoder, open_autoencoder
from neuromf.training.latents.store import chosen_scans, look_over, store_settings, tiling_of, training_store
from neuromf.training.records.run_folder import RunFolder, check_latents

OnProgress = Callable[[int, int], None]
REAL = 4
"""Real latents that a run keeps unless another number is asked for, as many as `neuromf sample` draws."""


@dataclass(frozen=True)
class Beginning:
    """The latents that a new run is to begin with.

    Attributes:
        store: the latents.
        scans: what they were encoded from; empty for the built-in cohort.
        origin: where they lie.
        covariates: of each scan, by its id, as text; empty where the network is told of none.
    """

    store: LatentStore
    scans: Sequence[FrozenScan]
    origin: Origin
    covariates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def keep(self, run: RunFolder, *, real: int) -> None:
        """Write the record into a run's folder; see `neuromf.data.record`."""
        write_record(run.latents, self.store, self.origin, self.scans, real=real)
        write_covariates(run.latents, self.covariates)


def begin(
    config: Config,
    on_progress: OnProgress | None = None,
    tell: Callable[[str], None] | None = None,
    *,
    on_look: OnProgress | None = None,
    cohort: Cohort | None = None,
    workers: int | None = 0,
    device: torch.device | str = "cpu",
    looked_over: bool = False,
) -> Beginning:
    """Choose the scans of a new run and open their latents, encoding what the cache does not hold.

    Args:
        config: the run.
        on_progress: called with (done, total) while latents are made.
        tell: called with each sentence on what is taken and left out.
        on_look: called with (done, scans) while scans are looked at, before the first is encoded.
        cohort: its scans, where they were looked for already.
        workers: processes that prepare scans ahead; 0 prepares them here, None chooses.
        device: where the autoencoder computes.
        looked_over: whether `look_over` has been asked already.

    Raises:
        InputError: a scan, the autoencoder's weights or the cache cannot be read.
    """
    cohort = cohort or Cohort(config.data)
    covariates = covariate_rows(config, cohort.scans)  # before hours of encoding
    settings = store_settings(config, workers=workers, device=device)
    look = look_over(settings, cohort, on_look, tell) if cohort.scans and not looked_over else None
    store = training_store(
        config, on_progress, cohort=cohort, tell=tell, settings=settings, look=look, looked_over=looked_over
    )
    used = set(store.manifest["scan_id"])
    taken = [scan for scan in cohort.scans if scan.scan_id in used]
    frozen = freeze(taken, scan_hashes(), look)
    contents = [scan.sha256 for scan in frozen]
    as_seen = look is not None and look.store is store and contents == [look.digests[scan.scan_id] for scan in taken]
    if taken and not as_seen and not is_of(store, taken, contents, settings):
        raise written_meanwhile()
    path, cache = store.path.absolute(), cache_directory().absolute()
    origin = Origin(
        source=config.data.source,
        store=str(path),
        in_cache=str(path.relative_to(cache)) if path.is_relative_to(cache) else "",
        autoencoder=absolute_name(config.vae.checkpoint),
    )
    kept = {str(scan_id): covariates[scan_id] for scan_id in store.manifest["scan_id"]} if covariates else {}
    return Beginning(store, frozen, origin, kept)


def go_on(
    run: RunFolder,
    config: Config,
    on_progress: OnProgress | None = None,
    *,
    real: int = REAL,
    workers: int | None = 0,
    device: torch.device | str = "cpu",
) -> LatentStore:
    """The latents that a run began with, whatever lies in the folder of its scans now.

    They come from the cache if it has them still; otherwise the scans that the run began with are encoded again. A run
    from before there was a record takes the latents of the folder as it is, if they are its own, and gets one.

    Args:
        run: the run.
        config: its configuration.
        on_progress: called with (done, total) while latents are encoded.
        real: real latents to keep where a record is written.
        workers: processes that prepare scans ahead; 0 prepares them here, None chooses.
        device: where the autoencoder computes.

    Raises:
        InputError: a scan that must be encoded again is missing or changed, or what comes out are other latents.
    """
    if not run.latents.is_dir():
        beginning = begin(config, on_progress, workers=workers, device=device)
        check_latents(run, beginning.store.description.content_hash)
        with staged_directory(run.latents) as folder:
            write_record(folder, beginning.store, beginning.origin, beginning.scans, real=real)
        return beginning.store
    record = _own_record(run)
    return _from_cache(record) or _encoded_again(run, record, config, on_progress, workers, device)


@dataclass(frozen=True)
class RunLatents:
    """What a run knows of its latents: enough to sample and to decode.

    Attributes:
        store: statistics, affine and shape; of the latents themselves perhaps a few.
        autoencoders: where the run's autoencoder may lie, the likeliest place first.
        vae: what the run's configuration says of it.
    """

    store: LatentStore
    autoencoders: tuple[str, ...]
    vae: VaeConfig

    def real(self, count: int) -> Tensor:
        """Some real latents, normalised (N, C, D, H, W), N <= count; a run may have kept none."""
        return real_latents(self.store, count)

    def codec(self, given: Path | None = None) -> LatentCodec:
        """The run's autoencoder.

        Args:
            given: its file, where the run's own record of the place is of no use.

        Raises:
            InputError: it is nowhere, cannot be read, or is another one.
        """
        name = find_autoencoder(self.autoencoders) if given is None else str(given)
        return open_autoencoder(self.vae, name, self.store.description.codec_fingerprint)


def run_latents(run: RunFolder, config: Config, on_progress: OnProgress | None = None) -> RunLatents:
    """Open what a run knows of its latents; only one from before there was a record needs scans and cache.

    Raises:
        InputError: the record is damaged or another run's; without one, the latents cannot be had.
    """
    if run.latents.is_dir():
        record = _own_record(run)
        return RunLatents(record.store, (record.origin.autoencoder, config.vae.checkpoint), config.vae)
    store = training_store(config, on_progress)
    check_latents(run, store.description.content_hash)
    return RunLatents(store, (config.vae.checkpoint,), config.vae)


def began_with(run: RunFolder, config: Config) -> list[Scan]:
    """The scans of a run; of one from before there was a record, those that its folder holds now.

    Raises:
        InputError: the list is damaged; without one, the folder cannot be read.
    """
    table = run.latents / SCANS
    return [frozen.scan for frozen in read_scans(table)] if run.latents.is_dir() else chosen_scans(config)


def _own_record(run: RunFolder) -> Record:
    record = read_record(run.latents)
    check_latents(run, record.store.description.content_hash)
    return record


def _from_cache(record: Record) -> LatentStore | None:
    """The store from where it would be in the present cache, else from where it was; None where it is in neither."""
    places = [cache_directory() / record.origin.in_cache] if record.origin.in_cache else []
    for place in (*places, Path(record.origin.store)):
        store = kept_store(place)
        if store is not None and store.description.content_hash == record.store.description.content_hash:
            return store
    return None


def _encoded_again(
    run: RunFolder,
    record: Record,
    config: Config,
    on_progress: OnProgress | None,
    workers: int | None,
    device: torch.device | str,
) -> LatentStore:
    description = record.store.description
    if record.origin.source == "demo":
        store = training_store(config, on_progress, settings=store_settings(config, workers=workers, device=device))
    else:
        scans = read_scans(record.scans)
        refuse_changed(scans, record.scans, scan_hashes())
        remedy = "put the run's own there, or start a new run"
        name = find_autoencoder((record.origin.autoencoder, config.vae.checkpoint), remedy=remedy)
        codec = open_autoencoder(config.vae, name, description.codec_fingerprint, remedy=remedy)
        manifest = record.store.manifest
        settings = StoreSettings(
            description.preprocessing, codec.tiled(tiling_of(config)).to(device), description.split_ratios,
            description.split_seed, dict(zip(manifest["subject"], manifest["split"], strict=True)), workers=workers,
        )  # fmt: skip
        store = scan_latents([scan.scan for scan in scans], settings, on_progress=on_progress)
    if store.description.content_hash != description.content_hash:
        problem = "the run's scans gave other latents when encoded again, as another machine, torch or neuromf would"
        remedy = "go on where they were encoded, with the versions in run.json, or start a new run"
        raise InputError(problem, remedy=remedy, file=run.environment, key="latents")
    return store
