"""The demonstration cohort: reproducible to the byte, varied, whole or absent."""

import json

import nibabel
import numpy as np
import pytest

from neuromf.data.demo import build_demo_cohort
from neuromf.data.nifti import read_volume
from neuromf.data.template import load_template
from neuromf.data.variation import MAXIMUM_SCALING, draw_subject, subject_generator
from neuromf.errors import InputError


def scan(root, index):
    return root / f"sub-{index:04d}" / "anat" / f"sub-{index:04d}_T1w.nii.gz"


def files(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_equal_arguments_give_equal_bytes(cohort, tmp_path):
    """Building again gives the same files, byte for byte."""
    assert files(build_demo_cohort(tmp_path / "again", subjects=3, seed=0)) == files(cohort)


def test_subject_does_not_depend_on_cohort_size(cohort, tmp_path):
    """Subject 1 of one is subject 1 of three."""
    single = build_demo_cohort(tmp_path / "single", subjects=1, seed=0)
    assert scan(single, 1).read_bytes() == scan(cohort, 1).read_bytes()


def test_seed_changes_every_subject(cohort, tmp_path):
    """Another seed gives another head, not another's head."""
    other = build_demo_cohort(tmp_path / "other", subjects=1, seed=1)
    assert all(scan(other, 1).read_bytes() != scan(cohort, index).read_bytes() for index in (1, 2, 3))


def test_volumes_are_int16_on_the_template_grid(cohort):
    """A scan is int16 at 2 mm with the template's affine."""
    image = nibabel.load(scan(cohort, 1))
    assert image.get_data_dtype() == np.int16
    assert image.shape == (99, 117, 95)
    assert np.array_equal(image.affine, load_template().affine)
    assert image.header.get_zooms() == (2.0, 2.0, 2.0)


def test_template_is_where_mni_says():
    """Voxel (49, 67, 36) of the 2 mm template is the world's origin and lies in the brain, dark voxels outside."""
    template = load_template()
    index = np.linalg.solve(template.affine, [0, 0, 0, 1])[:3]
    assert index.tolist() == [49, 67, 36]
    assert template.white[36, 67, 50] > 0.9  # 26 mm left of the midline, 28 mm up: centrum semiovale
    assert template.t1[0].max() == 0


def test_subjects_differ_as_heads_do(cohort):
    """Two subjects correlate strongly but are far from equal, and so is each with the template."""
    heads = [read_volume(scan(cohort, index)).data.ravel() for index in (1, 2, 3)]
    correlations = np.corrcoef([*heads, load_template().t1.ravel()])[np.triu_indices(4, 1)]
    assert np.all(correlations > 0.8)
    assert np.all(correlations < 0.98)


def test_noise_is_inside_the_brain_alone(cohort):
    """The background is exactly zero and fills most of the volume."""
    data = read_volume(scan(cohort, 1)).data
    assert 0.6 < np.mean(data == 0) < 0.9
    assert data.min() == 0
    assert 600 < np.median(data[data > 0]) < 900


def test_participants_document_the_draws(cohort):
    """Each subject's row holds its draws, and each column is described; no demographics are invented."""
    lines = (cohort / "participants.tsv").read_text().splitlines()
    header, rows = lines[0].split("\t"), [line.split("\t") for line in lines[1:]]
    assert [row[0] for row in rows] == ["sub-0001", "sub-0002", "sub-0003"]
    assert set(header) == set(json.loads((cohort / "participants.json").read_text()))
    assert not {"age", "sex"} & set(header)
    drawn = draw_subject(subject_generator(0, 1))
    assert float(rows[1][header.index("noise_sd")]) == pytest.approx(drawn.noise_sd, rel=1e-5)


def test_the_descriptions_are_those_that_bids_asks_for(cohort):
    """Each column has a Description; the data set has name, version, type, origin and source under BIDS's keys."""
    columns = json.loads((cohort / "participants.json").read_text())
    assert {key for column in columns.values() for key in column} == {"Description"}
    dataset = json.loads((cohort / "dataset_description.json").read_text())
    assert list(dataset) == ["Name", "BIDSVersion", "DatasetType", "GeneratedBy", "SourceDatasets"]
    assert (dataset["BIDSVersion"], dataset["DatasetType"]) == ("1.10.0", "derivative")
    (made_by,) = dataset["GeneratedBy"]
    assert list(made_by) == ["Name", "Version", "Description"]
    assert made_by["Description"].startswith("3 random deformations")
    assert "seed 0" in made_by["Description"]
    assert [list(source) for source in dataset["SourceDatasets"]] == [["URL"]]


def test_scaling_is_bounded():
    """No head is more than 6 % larger or smaller than the template along any axis."""
    draws = [draw_subject(subject_generator(3, index)) for index in range(200)]
    sizes = np.array([(draw.scale_x, draw.scale_y, draw.scale_z) for draw in draws])
    assert np.abs(sizes - 1).max() <= MAXIMUM_SCALING + 1e-9
    assert 0.02 < sizes.std() < 0.04


def test_progress_is_reported(tmp_path):
    """The callback sees every subject."""
    seen = []
    build_demo_cohort(tmp_path / "c", subjects=2, seed=0, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(("subjects", "seed"), [(0, 0), (-3, 0), (1, -1)])
def test_senseless_numbers_are_refused(tmp_path, subjects, seed):
    """No subjects or a negative seed is an InputError and leaves nothing."""
    with pytest.raises(InputError):
        build_demo_cohort(tmp_path / "c", subjects=subjects, seed=seed)
    assert not list(tmp_path.iterdir())
