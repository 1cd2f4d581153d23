"""A cohort of very many scans of a user's own, as it is after its encoding: the scans, their latents, their store."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from neuromf.config import Config, load_config
from neuromf.data.cache import encoded_scans, scan_hashes
from neuromf.data.chosen import Cohort
from neuromf.training.latents.store import store_settings, training_store
from tests.support.large_store import SETTINGS

COLUMNS = "scan_id,subject,session,dataset,group,modality,path,include,reason,subject_from,shape,spacing_mm,notes"


def own_overrides(folder: Path, source: str) -> tuple[str, ...]:
    """The settings of a training on the cohort in a folder, by its table or by its names."""
    root = folder / ("cohort.csv" if source == "table" else "cohort")
    return (*SETTINGS, f"data.source={source}", f"data.root={root}")


def write_large_cohort(folder: Path, scans: int) -> None:
    """Write `cohort.csv` and the files below `cohort`, two scans a subject in ten data sets, named as in FOMO-60K.

    A file holds some bytes that differ from every other's: who has latents reads no voxel.
    """
    lines = [COLUMNS]
    for number in range(scans):
        name = f"PT{number // 2 % 10:03d}_SET/sub_{number // 2}/ses_{number % 2 + 1}/t1"
        path = folder / "cohort" / f"{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content(number))
        subject, session, _ = name.rsplit("/", 2)
        lines.append(
            f"{name.replace('/', '_')},{subject},{session},{subject.partition('/')[0]},control,T1w,{path},True,,"
            "names of FOMO-60K,256x256x128,1x1x1.25,"
        )
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")


def encode_by_hand(folder: Path, scans: int, source: str) -> Config:
    """Place a latent of noise for every scan, note the hashes of the scans, make the store; all in the cache."""
    config = load_config(["smoke"], own_overrides(folder, source))
    settings = store_settings(config)
    kept = encoded_scans(settings.preprocessing, settings.codec)
    draw = np.random.default_rng(0)
    for number in range(scans):
        latent = torch.from_numpy(draw.standard_normal(config.latent_shape, dtype=np.float32))
        digest = hashlib.sha256(_content(number)).hexdigest()
        kept.keep(digest, latent, {"affine": json.dumps(np.eye(4).tolist())})
    cohort = Cohort(config.data)
    for scan in cohort.scans:
        scan_hashes().of(scan.path)
    training_store(config, cohort=cohort, settings=settings)
    return config


def _content(number: int) -> bytes:
    return f"scan {number}".encode()
