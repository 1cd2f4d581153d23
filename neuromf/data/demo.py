"""The demonstration cohort: varied heads over real MNI152 anatomy, as a BIDS folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from pathlib import Path

from neuromf import __version__
from neuromf.data.cohort import subject_id
from neuromf.data.nifti import write_volume
from neuromf.data.staging import staged_directory
from neuromf.data.template import load_template
from neuromf.data.variation import SubjectDraws, draw_subject, subject_generator, synthesise
from neuromf.errors import InputError

_COLUMN_TEXT = {
    "scale": "Size of the head relative to the template along this axis.",
    "degrees": "Rotation of the head.",
    "warp_mm": "Standard deviation in millimetres of the coarse displacement field's control points.",
    "ventricle_expansion": "Relative growth of the region around the ventricles.",
    "contrast": "Relative change of this tissue's intensity.",
    "bias_strength": "Standard deviation of the log bias field's control points.",
    "noise_sd": "Rician noise per component, relative to template intensity 1.",
}


def build_demo_cohort(
    out: Path, subjects: int = 64, seed: int = 0, on_progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write the demonstration cohort; equal arguments give equal bytes.

    Args:
        out: folder to create; it appears only when complete.
        subjects: number of heads; subject i does not depend on it.
        seed: seed of every draw.
        on_progress: called with (done, subjects) after each subject.

    Returns:
        `out`.

    Raises:
        InputError: if `subjects` < 1, `seed` < 0, or `out` exists and is not empty.
    """
    if subjects < 1:
        raise InputError(f"{subjects} subjects were asked for", remedy="ask for at least 1", key="subjects")
    if seed < 0:
        raise InputError(f"the seed is {seed}", remedy="use a seed of 0 or more", key="seed")
    with staged_directory(out) as folder:
        rows = [_row("participant_id", (field.name for field in fields(SubjectDraws)))]
        for index in range(subjects):
            name = subject_id(index)
            draws = _write_subject(folder, name, seed, index)
            rows.append(_row(name, (f"{value:.6g}" for value in asdict(draws).values())))
            if on_progress is not None:
                on_progress(index + 1, subjects)
        (folder / "participants.tsv").write_text("".join(rows), encoding="utf-8")
        _write_json(folder / "participants.json", _column_descriptions())
        _write_json(folder / "dataset_description.json", _description(subjects, seed))
    return out


def _write_subject(folder: Path, name: str, seed: int, index: int) -> SubjectDraws:
    template = load_template()
    generator = subject_generator(seed, index)
    draws = draw_subject(generator)
    data = synthesise(template, draws, generator)
    write_volume(folder / name / "anat" / f"{name}_T1w.nii.gz", data, template.affine)
    return draws


def _row(first: str, rest: Iterable[str]) -> str:
    return "\t".join([first, *rest]) + "\n"


def _column_descriptions() -> dict[str, dict[str, str]]:
    columns = {"participant_id": {"Description": "Subject; there is no such person: see dataset_description.json."}}
    for field in fields(SubjectDraws):
        text = next(text for word, text in _COLUMN_TEXT.items() if word in field.name)
        columns[field.name] = {"Description": text}
    return columns


def _description(subjects: int, seed: int) -> dict[str, object]:
    return {
        "Name": "neuromf demonstration cohort",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [
            {
                "Name": "neuromf",
                "Version": __version__,
                "Description": f"{subjects} random deformations, contrasts, bias fields and noise draws, seed {seed}, "
                "of the MNI152 ICBM 2009a symmetric T1 brain that nilearn ships. No subject is a person.",
            }
        ],
        "SourceDatasets": [{"URL": "https://nist.mni.mcgill.ca/icbm-152-nonlinear-atlases-2009/"}],
    }


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
