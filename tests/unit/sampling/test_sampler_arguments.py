"""Every argument of the samplers decides something, and every sample is one of its own."""

import inspect
import itertools
from unittest import mock

import pytest
import torch

from neuromf import api
from neuromf.data import cache
from neuromf.errors import InputError
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.nets.unet import build_unet
from neuromf.sampling import sampling
from neuromf.sampling.sampling import sample_run
from neuromf.training.latents.store import training_store
from neuromf.training.records.previews import draw_latents
from tests.support.tiny_run import make_tiny_config
from tests.support.wiring.parts import CPU, FIRST, SECOND, SHAPE, SMALL, small_autoencoder, small_cohort

NET, OTHER_NET = (randomised_copy(build_unet(FIRST.unet, v_head=False, seed=seed, covariates=2), 0) for seed in (0, 1))
DRAWN = {"net": NET, "config": FIRST, "shape": SHAPE, "steps": 2, "count": 3, "seed": 5, "device": CPU}
OTHERS = {
    "net": OTHER_NET,
    "config": SECOND,
    "shape": (4, 4, 4, 6),
    "steps": 1,
    "count": 2,
    "seed": 6,
    "device": torch.device("meta"),
    "covariates_NK": torch.ones(3, 2),
}


def drawn(**changes):
    """Latents as text, or what kept them from being drawn."""
    try:
        return repr(draw_latents(**DRAWN | changes).tolist())
    except (RuntimeError, NotImplementedError) as error:
        return type(error).__name__


def test_every_argument_of_the_draw_changes_what_is_drawn():
    """Of the parameters that the function has, each changes the latents when it alone is another."""
    assert set(OTHERS) == set(inspect.signature(draw_latents).parameters)
    base = drawn()
    assert [name for name, value in OTHERS.items() if drawn(**{name: value}) == base] == []


@pytest.mark.law("EVAL-003")
def test_each_sample_is_one_of_its_seed_and_index():
    """Nine samples of three seeds are nine, and a sample does not depend on how many are drawn with it."""
    sets = [draw_latents(**DRAWN | {"seed": seed}) for seed in (0, 1, 2)]
    for one, other in itertools.combinations(torch.cat(sets), 2):
        assert (one - other).abs().max() > 0.1
    assert torch.equal(draw_latents(**DRAWN | {"seed": 1, "count": 2}), sets[1][:2])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run of two steps, and its files."""
    folder = tmp_path_factory.mktemp("sampled")
    codecs = [small_autoencoder(folder / f"vae{seed}.safetensors", seed) for seed in (0, 1)]
    data = ("data.demo_subjects=5", "data.spacing_mm=2.0", "data.split_ratios=[0.6,0.4,0.0]")
    length = ("training.epochs=1", "training.micro_batches_per_epoch=2", "training.warmup_steps=0")
    config = make_tiny_config(*SMALL, *data, *length, f"vae.checkpoint={codecs[0]}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(folder / "cache"))
        patch.setattr(cache, "build_demo_cohort", small_cohort)
        api.train(config, folder / "run", device="cpu", allow_blocked="a test of sampling")
        yield folder / "run", codecs, training_store(config)


@pytest.fixture
def sampled(run, tmp_path):
    """Samples the run; what was written, and what was asked of the draw and the decoder."""

    def sample(**changes):
        given = {"steps": 1, "count": 2, "seed": 0, "out": tmp_path / f"out{len(list(tmp_path.iterdir()))}"}
        with (
            mock.patch.object(sampling, "draw_montage"),
            mock.patch.object(sampling, "draw_latents", side_effect=draw_latents) as draw,
            mock.patch.object(sampling, "write_volume") as write,
        ):
            files = sample_run(run[0], **{**given, "device": CPU, **changes})
        shown = [call.args[1] for call in write.call_args_list]
        return {"files": files, "asked": draw.call_args.kwargs, "volumes": shown, "net": draw.call_args.args[0]}

    return sample


@pytest.mark.law("OBS-002")
def test_every_argument_of_a_sampling_reaches_the_draw(sampled, run, tmp_path):
    """Steps, count, seed and device are the draw's own; the folder and the autoencoder are the caller's."""
    other = torch.device("cpu", 0)
    asked = sampled(steps=3, count=4, seed=9, device=other, out=tmp_path / "mine", vae=run[1][0])
    assert asked["asked"] == {"steps": 3, "count": 4, "seed": 9, "device": other, "covariates_NK": None}
    assert {path.parent for path in asked["files"].volumes} == {tmp_path / "mine"}
    assert len(asked["volumes"]) == 4
    with pytest.raises(InputError, match="another autoencoder"):
        sampled(vae=run[1][1])
    with pytest.raises(InputError, match="no best checkpoint"):
        sampled(checkpoint="best")
    assert sampled(checkpoint="2")["files"].step == 2
    with pytest.raises(InputError, match="no covariate 'age'"):
        sampled(given={"age": "70"})
    known = {"run_path", "steps", "count", "seed", "out", "device", "vae", "checkpoint", "given"}
    assert set(inspect.signature(sample_run).parameters) == known


@pytest.mark.law("DATA-001")
def test_samples_are_decoded_by_the_runs_own_autoencoder_and_statistics(sampled, run):
    """Each volume is the run's codec on the denormalised latent, which the run's averaged weights drew."""
    found = sampled(seed=3)
    latents = draw_latents(found["net"], *_drawn_with(run), **found["asked"])
    codec = sampling.load_vae(run[1][0])
    raw = run[2].statistics.denormalise(latents)
    for index, volume in enumerate(found["volumes"]):
        assert torch.equal(torch.from_numpy(volume), codec.decode(raw[index : index + 1])[0, 0].clamp(0, 1))


def _drawn_with(run):
    from neuromf.training.records.run_folder import open_run

    return open_run(run[0])[1], run[2].latent_shape
