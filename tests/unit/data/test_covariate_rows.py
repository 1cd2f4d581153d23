"""What is known of a scan's subject comes from where the scans come from, and is checked before anything is encoded."""

import numpy as np
import pytest
import torch

from neuromf.config import load_config
from neuromf.config.schema import CovariatesConfig
from neuromf.data.chosen import Cohort
from neuromf.data.covariates import (
    COVARIATES,
    drawn_covariates,
    encode_rows,
    given_covariates,
    read_covariates,
    write_covariates,
)
from neuromf.data.index.covariate_rows import covariate_rows
from neuromf.data.variation import draw_subject, subject_generator
from neuromf.errors import InputError

AGE_AND_SEX = CovariatesConfig(columns=("age=20..90", "sex=F|M"))


def rows_of(*settings):
    config = load_config(["smoke"], list(settings))
    return covariate_rows(config, Cohort(config.data).scans)


def columns(*lines):
    return f"covariates.columns={list(lines)}".replace("'", '"')


def folder_of(tmp_path, participants=""):
    """Two subjects with a scan each, one of them with two visits."""
    for name in ("sub-01/ses-a", "sub-01/ses-b", "sub-02/ses-a"):
        subject, session = name.split("/")
        path = tmp_path / "cohort" / name / "anat" / f"{subject}_{session}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"a scan")
    if participants:
        (tmp_path / "cohort" / "participants.tsv").write_text(participants)
    return tmp_path / "cohort"


def table_of(tmp_path, *rows, header="scan_id,subject,path,include,age,sex"):
    path = tmp_path / "cohort.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def test_the_built_in_heads_have_what_was_drawn_for_them():
    """By the id of each scan, to the last digit."""
    rows = rows_of("data.demo_subjects=5", "data.demo_seed=3", columns("ventricle_expansion=-0.15..0.55"))
    draws = draw_subject(subject_generator(3, 1))
    assert list(rows) == [f"sub-000{number}_T1w" for number in range(1, 6)]
    assert float(rows["sub-0002_T1w"]["ventricle_expansion"]) == draws.ventricle_expansion


@pytest.mark.law("COV-001")
def test_a_folder_has_what_its_participants_say(tmp_path):
    """By subject, and by visit where visits have rows of their own."""
    said = "participant_id\tsession_id\tage\tsex\nsub-01\tses-a\t30\tF\nsub-01\tses-b\t32\tF\nsub-02\tses-a\tn/a\tM\n"
    root = folder_of(tmp_path, said)
    rows = rows_of("data.source=folder", f"data.root={root}", columns("age=20..90", "sex=F|M", "session=ses-a|ses-b"))
    assert [tuple(row.values()) for row in rows.values()] == [
        ("30", "F", "ses-a"),
        ("32", "F", "ses-b"),
        ("n/a", "M", "ses-a"),
    ]


def test_a_table_has_its_own_columns(tmp_path):
    """Row by row, also where two scans are of one subject."""
    table = table_of(tmp_path, "one,ann,a.nii,True,30,F", "two,ann,b.nii,True,41,F", "no,bob,c.nii,False,999,?")
    rows = rows_of("data.source=table", f"data.root={table}", columns("sex=F|M", "age=20..90"))
    assert rows == {"one": {"sex": "F", "age": "30"}, "two": {"sex": "F", "age": "41"}}


@pytest.mark.parametrize(
    ("row", "line", "said"),
    [
        ("one,ann,a.nii,True,300,F", "age=20..90", "age of one: '300' is not a number from 20 to 90"),
        ("one,ann,a.nii,True,30,female", "sex=F|M", "sex of one: 'female' is not one of F, M"),
        ("one,ann,a.nii,True,30,F", "weight=1..200", "no scan has a column 'weight'; use one of age, include"),
        ("one,ann,a.nii,True,,F", "age=20..90", "age is known of no scan"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, row, line, said):
    """With the scan, the value, and what would do."""
    table = table_of(tmp_path, row)
    with pytest.raises(InputError) as caught:
        rows_of("data.source=table", f"data.root={table}", columns(line))
    assert said in caught.value.sentence
    assert str(table) in caught.value.sentence


def test_a_folder_without_participants_is_refused(tmp_path):
    """With where they would be looked for."""
    root = folder_of(tmp_path)
    with pytest.raises(InputError, match="no scan has a column 'age'") as caught:
        rows_of("data.source=folder", f"data.root={root}", columns("age=20..90"))
    assert "participants.tsv" in caught.value.sentence


def test_a_run_reads_the_covariates_that_it_wrote(tmp_path):
    """In the order of its splits, whatever the order of the table."""
    rows = {"b": {"age": "55", "sex": "M"}, "a": {"age": "n/a", "sex": "F"}, "c": {"age": "90", "sex": ""}}
    write_covariates(tmp_path, rows)
    found = read_covariates(tmp_path, AGE_AND_SEX, ["a", "b"], ["c"])
    assert torch.equal(found.training, torch.tensor([[0.0, 0, 1, 0], [1, 0, 0, 1]]))
    assert torch.equal(found.validation, torch.tensor([[1.0, 1, 0, 0]]))


@pytest.mark.law("COV-001")
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("scan_id,age,sex\na,30,F\n"),
        lambda path: path.write_text("scan_id,age\na,30\nb,30\n"),
        lambda path: path.write_text("scan_id,age,sex\na,30,F\nb,thirty,F\n"),
        lambda path: path.write_bytes(b"\x00\xff"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, damage):
    """Missing, without a scan, without a column, with a value that is none, or no table at all."""
    write_covariates(tmp_path, {name: {"age": "30", "sex": "F"} for name in "ab"})
    damage(tmp_path / COVARIATES)
    with pytest.raises(InputError, match="restore the file"):
        read_covariates(tmp_path, AGE_AND_SEX, ["a", "b"], [])


def test_nothing_is_kept_of_a_run_without_covariates(tmp_path):
    """And nothing is looked for."""
    write_covariates(tmp_path, {})
    assert not list(tmp_path.iterdir())
    assert read_covariates(tmp_path, CovariatesConfig(), ["a"], []) is None


def test_samples_are_asked_for_by_name():
    """What is not given is not known; a value that is none is refused."""
    found = given_covariates(AGE_AND_SEX, {"sex": "M"}, 2)
    assert torch.equal(found, torch.tensor([[0.0, 0, 0, 1]] * 2))
    assert given_covariates(CovariatesConfig(), {}, 2) is None
    for given, said in (({"sex": "X"}, "is not one of F, M"), ({"site": "a"}, "no covariate 'site'; give age or sex")):
        with pytest.raises(InputError, match="--given") as caught:
            given_covariates(AGE_AND_SEX, given, 1)
        assert said in caught.value.sentence


def test_drawn_covariates_are_values_of_their_columns():
    """For trainings on latents of nobody: known numbers within the bounds, and every class."""
    found = drawn_covariates(AGE_AND_SEX, 200, np.random.default_rng(0))
    assert found.shape == (200, 4)
    assert bool((found[:, 0] == 1).all())
    assert found[:, 1].min() >= -1
    assert found[:, 1].max() <= 1
    assert found[:, 1].std() > 0.5
    assert set(map(tuple, found[:, 2:].tolist())) == {(1.0, 0.0), (0.0, 1.0)}
    assert drawn_covariates(CovariatesConfig(), 3, np.random.default_rng(0)) is None


def test_no_rows_have_the_width_of_their_columns():
    """So that a split without scans fits the others."""
    assert encode_rows(AGE_AND_SEX, []).shape == (0, 4)
