"""A run whose network is told of covariates: trained, resumed, validated, sampled and evaluated with them."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from neuromf.data.covariates import COVARIATES, Covariates, given_covariates, read_covariates
from neuromf.data.latent_set import StoredLatents
from neuromf.errors import InputError
from neuromf.evaluation.subject import open_subject
from neuromf.nets.factory import build_net, parameter_count
from neuromf.training import loop
from neuromf.training.batches.source import BatchSource
from neuromf.training.batches.stream import open_source
from neuromf.training.checkpoints.checkpoint import WEIGHTS, latest_checkpoint
from neuromf.training.checkpoints.restore import load_weights
from neuromf.training.checkpoints.sampling_net import sampling_net
from neuromf.training.held_out.validator import Validator
from neuromf.training.latents.frozen import go_on
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.records.previews import draw_latents
from neuromf.training.records.run_folder import RunFolder, create_run
from neuromf.training.step.state import initial_state
from tests.support.covariate_run import make_covariate_config
from tests.support.tiny_run import make_tiny_config
from tests.support.trained_run import trained_run

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def config():
    return make_covariate_config()


@pytest.fixture(scope="module")
def run(tmp_path_factory, config):
    """A whole run of six steps; the cache stays as long as the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        yield RunFolder(trained_run(tmp_path_factory.mktemp("told"), patch, config))


@pytest.fixture(scope="module")
def store(run, config):
    return go_on(run, config)


@pytest.fixture(scope="module")
def covariates(run, config, store):
    return read_covariates(run.latents, config.covariates, store.scan_ids("train"), store.scan_ids("validation"))


@pytest.fixture(scope="module")
def net(run, config):
    return sampling_net(latest_checkpoint(run.root), config)


def trained(root, config, store, covariates, **more):
    run = create_run(root, config, "")
    splits = (store.split(name) for name in ("train", "validation"))
    loop.train(config, next(splits), run, device=CPU, validation=next(splits), covariates=covariates, **more)
    return run


def weights_of(run):
    return load_file(latest_checkpoint(run.root).path / WEIGHTS)


def same_bytes(one, other, *names):
    return all((one.root / name).read_bytes() == (other.root / name).read_bytes() for name in names)


def test_the_network_learns_from_what_it_is_told(run, config):
    """Every weight of the embedding has moved, but for inputs that nobody fills."""
    before, after = build_net(config).state_dict(), weights_of(run)
    for name in ("embed_covariates.0.weight", "embed_covariates.2.weight", "embed_covariates.0.bias"):
        assert not torch.equal(before[name], after[name])


def test_all_other_weights_begin_as_without_covariates(config):
    """The embedding is drawn last."""
    told, untold = build_net(config).state_dict(), build_net(make_tiny_config()).state_dict()
    assert set(told) - set(untold) == {f"embed_covariates.{n}.{kind}" for n in (0, 2) for kind in ("weight", "bias")}
    assert all(torch.equal(told[name], value) for name, value in untold.items())
    assert parameter_count(config) == sum(value.numel() for value in told.values())


def test_a_resumed_run_is_told_the_same(tmp_path, run, config, store, covariates):
    """Stopped after three of six steps and gone on with: trace, validations and weights are the same bytes."""
    trained(tmp_path / "run", config, store, covariates, max_steps=3)
    cut = RunFolder(tmp_path / "run")
    loop.train(
        config, store.split("train"), cut, device=CPU, validation=store.split("validation"), covariates=covariates,
        resume=True,
    )  # fmt: skip
    assert same_bytes(run, cut, "trace.csv", "validation.csv")
    assert all(torch.equal(value, weights_of(cut)[name]) for name, value in weights_of(run).items())


@pytest.mark.law("COV-001")
def test_workers_draw_the_same_covariates(config, store, covariates):
    """A stream that two processes draw ahead is the source's own."""
    latents = StoredLatents(store, "train")
    source = BatchSource(latents, config, CPU, covariates.training)
    with open_source(source, first=0, group=ProcessGroup(), workers=2) as stream:
        for step in range(2):
            for start, size in source.micro_batches():
                ahead = stream.feed.take((step, start, size))
                here = source.draw(step, start, size)
                assert torch.equal(ahead.y_BK, here.y_BK)
                assert ahead.digest == here.digest


@pytest.mark.law("COV-001")
@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_validation_tells_each_scan_its_own(tmp_path, run, config, store, covariates, split):
    """With other covariates of one split its losses are others, and those of the other split are not."""
    other = dataclasses.replace(covariates, **{split: -getattr(covariates, split)})
    weights = latest_checkpoint(run.root)
    state = initial_state(config, (1.0,) * 4, CPU)
    load_weights(weights.path, state.model)
    state.ema.shadow.update({name: value.detach().clone() for name, value in state.model.named_parameters()})
    state.step = weights.step
    rows = [
        Validator(config, store.split("train"), store.split("validation"), told).after_step(state).row
        for told in (covariates, other)
    ]
    changed = {
        kind: getattr(rows[0], f"{kind}_total") != getattr(rows[1], f"{kind}_total") for kind in ("val", "train")
    }
    assert changed == {"val": split == "validation", "train": split == "training"}


def test_a_sample_depends_on_its_own_covariates(config, net, store):
    """Sample by sample; told nothing is not told zero."""
    values = [{"ventricle_expansion": text} for text in ("0.5", "-0.1", "0.2")]
    told = torch.cat([given_covariates(config.covariates, value, 1) for value in values])

    def drawn(covariates_NK):
        return draw_latents(
            net, config, store.latent_shape, steps=2, count=3, seed=0, device=CPU, covariates_NK=covariates_NK
        )

    first, swapped, none = drawn(told), drawn(told[[0, 2, 1]]), drawn(None)
    assert torch.equal(first[0], swapped[0])
    assert not torch.equal(first[1], swapped[1])
    assert torch.equal(none, drawn(torch.zeros_like(told)))
    # At 0.2 the number's place is zero, and its being known is not.
    assert abs(float(told[2, 1])) < 1e-6
    assert not torch.equal(first[2], none[2])


def test_an_evaluation_draws_the_covariates_of_held_out_scans(run):
    """From the first again after the last, so that both populations have the same."""
    subject = open_subject(run.root, checkpoint=None, vae=None, device=CPU)
    held_out = subject.chosen(("validation",), 8, 0)
    told = subject.covariates(held_out, 3)
    assert torch.equal(told, torch.cat([told[:1]] * 3))  # one scan is held out
    assert bool((told[:, [0, 2]] == 1).all())
    drawn = [subject.draw(1, 3, 0, lambda made: None, rows) for rows in (told, -told, None)]
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_covariates_of_other_scans_are_refused(run, config, store):
    """A table that lacks a scan ends the run before its first step."""
    path = run.latents / COVARIATES
    whole = path.read_text()
    try:
        path.write_text("".join(whole.splitlines(keepends=True)[:-1]))
        with pytest.raises(InputError, match=r"covariates\.csv"):
            read_covariates(run.latents, config.covariates, list(store.manifest["scan_id"]), [])
    finally:
        path.write_text(whole)


def test_a_run_without_its_covariates_is_refused(tmp_path, config, store):
    """And so is one that is given some which it is not told of."""
    wrong = Covariates(torch.ones(3, 4), torch.ones(1, 4))
    with pytest.raises(ValueError, match="a row for each latent"):
        trained(tmp_path / "one", config, store, None)
    with pytest.raises(ValueError, match="a row for each latent"):
        trained(tmp_path / "two", make_tiny_config(), store, wrong)
