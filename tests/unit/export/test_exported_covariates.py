"""What is exported of a run whose network is told of covariates draws the samples that are asked for."""

import json

import pytest
import torch
from monai.bundle import ConfigParser

from neuromf.data.covariates import given_covariates
from neuromf.errors import InputError
from neuromf.export.export import export_run
from neuromf.export.standalone.sampling import sampling_noise
from neuromf.export.subject import open_export
from neuromf.export.torch_program import OneStepProgram, one_step_program
from neuromf.training.records.previews import draw_latents
from tests.support.covariate_run import make_covariate_config
from tests.support.trained_run import trained_run

CPU = torch.device("cpu")
ASKED = {"ventricle_expansion": "0.5"}
LARGEST = 1e-5
"""Of normalised latents: float32 rounds each of some 40 layers by 6e-8 of values below 10; 1e-6 was seen."""


@pytest.fixture(scope="module")
def config():
    return make_covariate_config()


@pytest.fixture(scope="module")
def run(tmp_path_factory, config):
    with pytest.MonkeyPatch.context() as patch:
        yield trained_run(tmp_path_factory.mktemp("told"), patch, config, real=1)


@pytest.fixture(scope="module")
def drawn(run, config):
    """What `neuromf sample` draws with and without what is asked for."""
    subject = open_export(run)
    shape = subject.store.latent_shape

    def of(given):
        told = given_covariates(config.covariates, given, 2)
        return draw_latents(subject.net, config, shape, steps=1, count=2, seed=0, device=CPU, covariates_NK=told)

    return of(ASKED), of({})


def test_a_bundle_draws_what_is_asked_for(run, drawn, tmp_path, monkeypatch):
    """Unless its network is told of others, which its configuration names; the encoding stands beside it."""
    bundle = export_run(run, to="monai-bundle", out=tmp_path / "heads", given=ASKED).path
    monkeypatch.chdir(bundle)
    monkeypatch.syspath_prepend(str(bundle))
    parser = ConfigParser(ConfigParser.load_config_file("configs/inference.json"))
    parser.config["bundle_root"] = str(bundle)
    network, noise = parser.get_parsed_content("network"), parser.get_parsed_content("noise")
    z = torch.stack([noise(tuple(drawn[0].shape[1:]), 0, index) for index in range(2)])
    assert (z - network(z) - drawn[0]).abs().max() < LARGEST
    unknown = torch.zeros(2, 4)
    assert (z - network(z, None, None, unknown) - drawn[1]).abs().max() < LARGEST
    said = json.loads((bundle / "docs" / "provenance.json").read_text())["conventions"]["covariates"]
    assert said["given"][:2] == [1.0, pytest.approx(2 * (0.5 + 0.15) / 0.7 - 1)]
    assert said["inputs"][0].startswith("ventricle_expansion: 1, then 2 (value - -0.15) / 0.7 - 1")


def test_a_program_draws_what_is_asked_for(run, drawn):
    """In batches of any size."""
    subject = open_export(run, given=ASKED)
    program = one_step_program(subject).module()
    z = torch.stack([sampling_noise(tuple(drawn[0].shape[1:]), 0, index) for index in range(2)])
    assert (program(z)[0] - drawn[0]).abs().max() < LARGEST
    assert (program(z[:1])[0] - drawn[0][:1]).abs().max() < LARGEST
    assert torch.equal(OneStepProgram(open_export(run))(z)[0].isfinite().all(), torch.tensor(True))


def test_a_covariate_that_the_run_has_not_is_refused(run, tmp_path):
    """Before anything is written."""
    with pytest.raises(InputError, match="no covariate 'age'"):
        export_run(run, to="torch-export", out=tmp_path / "programs", given={"age": "70"})
    assert not (tmp_path / "programs").exists()
