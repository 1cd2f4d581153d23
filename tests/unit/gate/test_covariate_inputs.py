"""The gate reads the covariates of a run before anything else of its scans, and says what its short training does."""

import pytest

from neuromf.config import load_config
from neuromf.data.chosen import Cohort
from neuromf.errors import InputError
from neuromf.gate.inputs import open_inputs
from neuromf.gate.smoke import _otherwise

TOLD = 'covariates.columns=["age=20..90","sex=F|M"]'


def inputs_of(tmp_path, *rows):
    table = tmp_path / "cohort.csv"
    table.write_text("\n".join(("scan_id,subject,path,include,age,sex", *rows)) + "\n")
    config = load_config(["smoke"], ["data.source=table", f"data.root={table}", TOLD])
    return open_inputs(config, {}, Cohort(config.data).scans)


def test_the_gate_says_of_how_many_scans_a_covariate_is_known(tmp_path):
    """Of those alone that are not known of all."""
    found = inputs_of(tmp_path, "a,a,a.nii,True,30,F", "b,b,b.nii,True,n/a,M", "c,c,c.nii,True,,F")
    assert "age is known of 1 of 3 scans" in found.notes
    assert not any("sex is known" in note for note in found.notes)


def test_a_value_that_is_none_ends_the_gate(tmp_path):
    """As it would end the training."""
    with pytest.raises(InputError, match="sex of b: 'male' is not one of F, M"):
        inputs_of(tmp_path, "a,a,a.nii,True,30,F", "b,b,b.nii,True,40,male")


@pytest.mark.parametrize(("settings", "said"), [([TOLD], True), ([], False)])
def test_the_short_training_says_that_it_draws_covariates(settings, said):
    """Its latents are others than the run's."""
    notes = _otherwise(load_config(["smoke"], settings), zero=True)
    assert ("with covariates drawn at random, not those of your scans" in notes) is said
