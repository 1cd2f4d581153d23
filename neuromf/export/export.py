"""Exports a run: its weights, programs of torch, or a bundle that MONAI runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neuromf.data.staging import refuse_occupied, staged_directory
from neuromf.errors import InputError
from neuromf.export.bundle import refuse_own_code, write_bundle
from neuromf.export.licence import Licence, read_licence
from neuromf.export.provenance import provenance
from neuromf.export.safetensors_file import SUFFIX, write_weights
from neuromf.export.subject import ExportedRun, open_export
from neuromf.export.torch_program import ONE_STEP, VELOCITY, one_step_program, save_program, velocity_program
from neuromf.json_text import json_text
from neuromf.output import whole_file, writing

SAFETENSORS, TORCH, BUNDLE = KINDS = ("safetensors", "torch-export", "monai-bundle")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file or folder.
        weights: which weights, in a few words.
        use: how it is used, a line.
    """

    path: Path
    weights: str
    use: str


def export_run(
    run: Path,
    *,
    to: str,
    out: Path,
    checkpoint: str | None = None,
    vae: Path | None = None,
    licence: str | None = None,
    given: Mapping[str, str] | None = None,
) -> Exported:
    """Export the weights that a run is sampled with.

    Args:
        run: its folder.
        to: one of `KINDS`.
        out: folder to create; for safetensors a file.
        checkpoint: `best`, `latest` or an optimiser step; the newest when None.
        vae: the run's autoencoder, where its file is not where it was; for a bundle alone.
        licence: name of the weights' licence, or the file of its text.
        given: covariates by name, for a run whose network is told of some: programs draw samples of these alone, a
            bundle unless it is told of others.

    Raises:
        InputError: no such covariate or value, no run, no such checkpoint, another autoencoder, no such licence or
            kind, or `out` is in the way.
    """
    _check(to, out, vae)
    refuse_occupied(out)  # before the network is read
    said = read_licence(licence)
    subject = open_export(run, checkpoint, given)
    use = {
        SAFETENSORS: lambda: _weights(out, subject, said),
        TORCH: lambda: _programs(out, subject, said),
        BUNDLE: lambda: _bundle(out, subject, said, vae),
    }[to]()
    return Exported(out, subject.weights, use)


def _check(to: str, out: Path, vae: Path | None) -> None:
    if to not in KINDS:
        raise InputError(f"there is no '{to}'", remedy=f"say one of {', '.join(KINDS)}", key="--to")
    if vae is not None and to != BUNDLE:
        problem = f"{to} holds no autoencoder"
        raise InputError(problem, remedy=f"leave it out, or use --to {BUNDLE}", file=vae, key="--vae")
    if to == SAFETENSORS and out.suffix != SUFFIX:
        remedy = f"give a file that ends in {SUFFIX}"
        raise InputError("is no name of a file of safetensors", remedy=remedy, file=out, key="--out")


def _weights(out: Path, subject: ExportedRun, licence: Licence) -> str:
    if out.exists():  # an empty folder
        raise InputError("is a folder", remedy=f"give a file that ends in {SUFFIX}", file=out, key="--out")
    story = provenance(subject, licence)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as staging:
        write_weights(staging, subject, story)
    return f"read it with safetensors.torch.load_file('{out.name}'); its header says what the weights are"


def _programs(out: Path, subject: ExportedRun, licence: Licence) -> str:
    programs = {VELOCITY: velocity_program(subject), ONE_STEP: one_step_program(subject)}
    story = provenance(subject, licence)
    with writing(out), staged_directory(out) as folder:
        for name, program in programs.items():
            save_program(program, folder / name)
        (folder / "provenance.json").write_text(json_text(story) + "\n", encoding="utf-8")
        (folder / "LICENSE").write_text(licence.text + "\n", encoding="utf-8")
    return f"run it with torch.export.load('{out / ONE_STEP}').module()(noise)"


def _bundle(out: Path, subject: ExportedRun, licence: Licence, vae: Path | None) -> str:
    refuse_own_code(subject)
    codec = subject.latents.codec(vae)
    story = provenance(subject, licence)
    with writing(out), staged_directory(out) as folder:
        write_bundle(folder, subject, codec, story, licence)
    return f"run it with: cd {out} && python -m monai.bundle run --config_file configs/inference.json"
