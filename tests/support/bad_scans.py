"""Scans as they are met outside: some good, and one of each kind that cannot be used."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np

from neuromf.data.nifti import write_volume

AFFINE = np.diag([8.0, 8.0, 8.0, 1.0])
SHAPE = (24, 24, 24)


def head(seed: int) -> np.ndarray:
    """A bright ball with texture on a dark ground, float32, no slice of it constant."""
    generator = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    ball = (sum(axis**2 for axis in axes) < 0.6).astype(np.float32)
    return (ball * 100 + generator.random(SHAPE) * 10).astype(np.float32)


def write_good(root: Path, count: int) -> list[Path]:
    """Scans `sub-0001` and on, in folders of their own."""
    paths = [root / f"sub-{number:04d}" / f"sub-{number:04d}_T1w.nii.gz" for number in range(1, count + 1)]
    for number, path in enumerate(paths):
        write_volume(path, head(number), AFFINE)
    return paths


def _save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    nibabel.save(nibabel.Nifti1Image(data, affine), path)


def _without_affine(path: Path) -> None:
    image = nibabel.Nifti1Image(head(0), AFFINE)
    image.header.set_sform(np.diag([2.0, 0, 2, 1]), code=1)
    image.header["vox_offset"] = 352
    path.write_bytes(gzip.compress(image.header.binaryblock + b"\0" * 4 + head(0).tobytes(order="F")))


def _shortened(path: Path) -> None:
    _save(path, head(0))
    path.write_bytes(path.read_bytes()[:-4000])


BAD = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "foreign": (lambda path: path.write_bytes(gzip.compress(b"no scan" * 99)), "not a NIfTI"),
    "short": (_shortened, "truncated or damaged"),
    "constant": (lambda path: _save(path, np.full(SHAPE, 7, np.float32)), "every voxel is 7"),
    "nan": (lambda path: _save(path, np.where(head(0) > 108, np.nan, head(0))), "inside the head are NaN"),
    "series": (lambda path: _save(path, np.stack([head(0), head(1)], axis=3)), "not three axes"),
    "flat": (_without_affine, "affine is singular"),
    "microscope": (lambda path: _save(path, head(0), np.diag([1e-3, 1e-3, 1e-3, 1])), "no brain scan"),
    "complex": (lambda path: _save(path, head(0).astype(np.complex64)), "voxels are of type"),
}
"""Kind -> (what writes one, words of the reason)."""


def write_bad(root: Path, first: int = 101) -> dict[str, Path]:
    """One scan of each bad kind, as subjects `sub-0101` and on."""
    paths = {}
    for number, (kind, (write, _)) in enumerate(BAD.items(), start=first):
        paths[kind] = root / f"sub-{number:04d}" / f"sub-{number:04d}_T1w.nii.gz"
        paths[kind].parent.mkdir(parents=True)
        write(paths[kind])
    return paths
