"""The previews that a run drew from the same noise while it trained: one slice of each sample file kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from neuromf.errors import InputError
from neuromf.report.charts import slice_png
from neuromf.report.run_facts import ReportedRun
from neuromf.sampling.montage import mid_slice

MOST_FILES = 8
"""Steps shown: the first, the last and evenly spread ones between."""
PIXELS = 192
"""Least width of a picture; smaller slices are drawn with larger pixels."""
NO_SAMPLES = "No sample was kept; a training leaves the first one at its first checkpoint."
"""What the page says instead of the pictures."""
LATENT_RANGE = 3.0
"""Standard deviations from black to white in a picture of a latent."""
AXIAL = 2


@dataclass(frozen=True)
class Slice:
    """One picture: after how many optimiser steps it was drawn, and its data URI."""

    step: int
    uri: str


@dataclass(frozen=True)
class SampleStrip:
    """The pictures of a run.

    Attributes:
        run: its name.
        toggle: class by which the page hides them.
        slices: by step.
        note: what they show, and what could not be shown, in a sentence.
        decoded: whether they are brains; otherwise the channels of latents.
    """

    run: str
    toggle: str
    slices: list[Slice]
    note: str
    decoded: bool


OnProgress = Callable[[int, int], None]


def sample_strip(
    run: ReportedRun, *, decoded: bool = True, vae: Path | None = None, on_progress: OnProgress | None = None
) -> SampleStrip:
    """Slices of the run's samples, or a sentence on why there are none.

    Args:
        run: the run.
        decoded: through its autoencoder; otherwise the channels of the latents are shown.
        vae: that autoencoder, where its file is not where it was.
        on_progress: called with (done, total) while latents must be encoded first.
    """
    kept = _read_samples(run.folder.previews, run.config.latent_shape)
    note = f"Not readable: {', '.join(kept.damaged)}." if kept.damaged else ""
    if not kept.latents:
        return SampleStrip(run.name, run.toggle, [], note or NO_SAMPLES, decoded=False)
    latents = list(kept.latents.values())
    if decoded:
        try:
            volumes = _decoded(run, latents, vae, on_progress)
        except InputError as error:
            decoded, note = False, f"They cannot be decoded: {error} {note}"
    images = [mid_slice(np.nan_to_num(volume), AXIAL) for volume in volumes] if decoded else map(_channels, latents)
    slices = [_slice(step, image) for step, image in zip(kept.latents, images, strict=True)]
    what = "Axial mid-slices." if decoded else f"Axial mid-slices of the {len(latents[0])} latent channels."
    drawn = "" if run.config.ema.decay is not None else "Drawn with the weights themselves: the run keeps no average."
    told = " ".join(part for part in (what, drawn, note) if part)
    return SampleStrip(run.name, run.toggle, slices, told, decoded)


def _decoded(
    run: ReportedRun, latents: list[np.ndarray], vae: Path | None, on_progress: OnProgress | None
) -> list[np.ndarray]:
    import torch  # here, for a page without samples needs none, and the import takes seconds

    from neuromf.sampling.sampling import decode_with
    from neuromf.training.latents.frozen import run_latents

    known = run_latents(run.folder, run.config, on_progress)
    return decode_with(known.codec(vae), known.store.statistics, torch.from_numpy(np.stack(latents)))


def _slice(step: int, image: np.ndarray) -> Slice:
    return Slice(step, slice_png(image, max(1, PIXELS // image.shape[1])))


def _channels(latent: np.ndarray) -> np.ndarray:
    """Axial mid-slices of a normalised latent's channels (C, D, H, W), side by side, in [0, 1]."""
    slices = [mid_slice(np.nan_to_num(channel), AXIAL) for channel in latent.astype(np.float32)]
    return np.clip(np.hstack(slices) / (2 * LATENT_RANGE) + 0.5, 0, 1)


@dataclass
class _Kept:
    """The first latent (C, D, H, W) of each file by step, and names of files that hold none."""

    latents: dict[int, np.ndarray] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)


def _read_samples(folder: Path, shape: tuple[int, ...]) -> _Kept:
    """Read the first, the last and evenly spread files between."""
    files = sorted(folder.glob("step_*.safetensors"))
    chosen = np.unique(np.linspace(0, len(files) - 1, min(len(files), MOST_FILES)).astype(int))
    kept = _Kept()
    for path in (files[index] for index in chosen):
        try:
            latent = load_file(path)["latents"][0]
            if tuple(latent.shape) != shape:
                raise ValueError(f"shape {tuple(latent.shape)}")
            kept.latents[int(path.stem.removeprefix("step_"))] = latent
        except (OSError, SafetensorError, ValueError, KeyError, IndexError):
            kept.damaged.append(path.name)
    return kept
