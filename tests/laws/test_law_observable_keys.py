"""Every key of a configuration changes something that can be observed, or is an error (law CFG-001)."""

import json
from unittest import mock

import numpy as np
import pytest
import torch
from torch import distributed, nn

from neuromf.cli.training import note
from neuromf.config import Config, run_facts
from neuromf.config.derived import weights_are_measured
from neuromf.config.resolve import config_hash, flat_config
from neuromf.data.covariates import drawn_covariates
from neuromf.errors import InputError
from neuromf.monitor.guard.alarm import RawLosses
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.nets.factory import build_net
from neuromf.nets.vae import load_vae
from neuromf.training.batches.source import BatchSource
from neuromf.training.device.choice import choose_device
from neuromf.training.held_out.record import read_validations
from neuromf.training.initial_weights import find_start
from neuromf.training.latents.store import tiling_of, training_store
from neuromf.training.loop import train
from neuromf.training.process_group.ranks import ProcessGroup, replicate
from neuromf.training.process_group.start import init_process_group
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config
from tests.support.wiring.data import quick
from tests.support.wiring.parts import SMALL, latents

pytestmark = pytest.mark.law("CFG-001")
CPU = torch.device("cpu")
BASE = (
    *SMALL, "data.shape=[16,16,16]", "data.spacing_mm=2.0", "data.demo_subjects=5", "data.split_ratios=[0.4,0.6,0.0]",
    "unet.attention_levels=[false,true]", "training.gpus=2", "training.gradient_accumulation_steps=2",
    "training.warmup_steps=1",
)  # fmt: skip
EACH_STEP = ("training.checkpoint_every_steps=1", "training.keep_best_checkpoints=0")
ONE_LEVEL = ("unet.channels=[4]", "unet.attention_levels=[true]")
"""Without a level of two cells, on which some processors compute bfloat16 wrongly."""
WIDER = ("data.shape=[16,24,16]",)
"""Six cells along the axis that is split, of which each part has three."""
TILES = (*WIDER, "vae.tile_voxels=16")
NARROW = (*ONE_LEVEL, "training.precision=bf16")
FACTORY = (
    "unet.factory=tests.support.own_package.nets:build", "unet.channels=[64,128,256,512]",
    "unet.attention_levels=[false,false,true,true]", "unet.head_channels=32", "unet.num_res_blocks=2",
    "unet.norm_num_groups=32",
)  # fmt: skip
"""A network of other code, beside which the other keys of its section say nothing."""
SHORT = ("training.epochs=6", "training.micro_batches_per_epoch=2", "training.warmup_steps=0")
STOPPING = (
    *SHORT, "training.validate_every_epochs=1", "training.early_stop_patience=1",
    "training.early_stop_min_improvement=0.5",
)  # fmt: skip
"""Six steps, of which no second validation is better by a half."""
MASKED = ("meanflow.mask_share=0.5", "meanflow.mask_block=2")
TOLD = ('covariates.columns=["age=20..90"]',)
GUIDED = (*TOLD, "meanflow.guidance_scale=2.0")
DIFFERENCE = ("meanflow.jvp=finite_difference", "meanflow.fd_step=0.001")


def steps(config, tmp_path):
    """The trace's first three rows, as text."""
    std = (0.5, 1.0, 1.5, 2.0)
    told = drawn_covariates(config.covariates, len(latents()), np.random.default_rng(0))
    state, source = initial_state(config, std, CPU), BatchSource(latents(), config, CPU, told)
    return repr([train_step(state, source, config).row for _ in range(3)])


def counts(config, tmp_path):
    """Steps, samples and dims that follow from the configuration."""
    return run_facts(config)


def measured(config, tmp_path):
    """The steps in which all weights are measured."""
    return [weights_are_measured(config, step) for step in range(100)]


def block_norms(config, tmp_path):
    """The blocks whose gradient norm a step records."""
    state = initial_state(config, (1.0,) * 4, CPU)
    return sorted(train_step(state, BatchSource(latents(), config, CPU), config).block_norms)


def verdicts(config, tmp_path):
    """What the guard says to a slow explosion."""
    guard = DivergenceGuard.from_config(config)
    return [guard.observe(RawLosses(1.2**step)).level for step in range(60)]


def checkpoints(config, tmp_path):
    """Steps at which a run leaves checkpoints."""
    run = create_run(tmp_path / config_hash(config)[:8], config, "")
    train(config, latents(), run, device=CPU, max_steps=3)
    return sorted(path.name for path in (run.root / "checkpoints").iterdir())


def evaluations(config, tmp_path):
    """How often a step calls a layer in the middle of the network."""
    state, calls = initial_state(config, (1.0,) * 4, CPU), []
    state.model.backbone.middle_block.resnet_1.register_forward_pre_hook(lambda *_: calls.append(1))
    train_step(state, BatchSource(latents(), config, CPU), config)
    return len(calls)


def compilers(config, tmp_path):
    """What the pass with gradient is compiled by."""
    with mock.patch("torch.compile", side_effect=lambda function, backend: function) as compiled:
        initial_state(config, (1.0,) * 4, CPU)
    return [call.kwargs["backend"] for call in compiled.call_args_list]


def replica(config, tmp_path):
    """Whether the replica's graph is static."""
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    with init_process_group("gloo", store=store, rank=0, world_size=1):
        found = replicate(
            nn.Linear(1, 1), ProcessGroup(0, 2), static_graph=config.training.ddp_static_graph
        ).static_graph
    (tmp_path / "store").unlink(missing_ok=True)
    return found


def kernels(config, tmp_path):
    """Whether cuDNN is held to kernels that repeat themselves."""
    try:
        choose_device("cpu", deterministic=config.training.deterministic)
        return torch.backends.cudnn.deterministic
    finally:
        choose_device("cpu")


def shown(config, tmp_path):
    """The line that a training shows beside its progress bar."""
    state = initial_state(config, (1.0,) * 4, CPU)
    return note(train_step(state, BatchSource(latents(), config, CPU), config), config)


def judged(config, tmp_path):
    """Whether a step is looked at for silent faults."""
    state = initial_state(config, (1.0,) * 4, CPU)
    return train_step(state, BatchSource(latents(), config, CPU), config).checks is None


def data(config, tmp_path):
    """Hash of the latents, or the sentence that refuses them."""
    try:
        with quick():
            return training_store(config).description.content_hash
    except InputError as error:
        return str(error)


def start(config, tmp_path):
    """The weights that a training starts from, or the sentence that refuses them."""
    former, path = make_tiny_config(*BASE), tmp_path.parent / "former"
    if not path.exists():
        train(former, latents(), create_run(path, former, ""), device=CPU, max_steps=1)
    named = config.training.init_from and str(path)
    config = config.model_copy(update={"training": config.training.model_copy(update={"init_from": named})})
    return find_start(config)


def validated(config, tmp_path):
    """What a run's validations found, the best of them, and how the run ended."""
    run = create_run(tmp_path / config_hash(config)[:8], config, "")
    outcome = train(config, latents(), run, device=CPU, validation=torch.flip(latents(), [2]))
    best = run.root / "checkpoints" / "best" / "state.json"
    won_by = json.loads(best.read_text())["won_by"] if best.exists() else None
    return read_validations(run.validations), won_by, outcome


def built(config, tmp_path):
    """The network that is built."""
    return [tuple(value.shape) for value in build_net(config).state_dict().values()]


def convolutions(config, tmp_path):
    """How often the autoencoder convolves while it encodes a scan."""
    codec, calls = load_vae("demo").tiled(tiling_of(config)), []
    convolve = torch.nn.functional.conv3d
    with mock.patch("torch.nn.functional.conv3d", lambda *given, **more: calls.append(1) or convolve(*given, **more)):
        codec.encode(torch.zeros(1, 1, *config.data.shape))
    return len(calls)


WITNESSES = {
    steps: {
        "unet.channels": ["unet.channels=[4,16]"],
        "unet.attention_levels": ["unet.attention_levels=[true,true]"],
        "unet.head_channels": ["unet.head_channels=2"],
        "unet.num_res_blocks": ["unet.num_res_blocks=2"],
        "unet.norm_num_groups": ["unet.norm_num_groups=4"],
        "unet.time_scale": ["unet.time_scale=2.0"],
        "unet.conditioning": ["unet.conditioning=t_and_r"],
        "unet.embedding_precision": [*NARROW, "unet.embedding_precision=fp32"],
        "unet.flash_attention": ["unet.flash_attention=true"],
        "unet.resblock_updown": ["unet.resblock_updown=true"],
        "meanflow.prediction": ["meanflow.prediction=u"],
        "meanflow.tangent": ["meanflow.tangent=conditional"],
        "meanflow.jvp": DIFFERENCE,
        "meanflow.fd_step": [*DIFFERENCE, "meanflow.fd_step=0.01"],
        "meanflow.fd_scheme": [*DIFFERENCE, "meanflow.fd_scheme=central"],
        "meanflow.derivative_precision": [*ONE_LEVEL, "meanflow.derivative_precision=bf16"],
        "meanflow.loss_terms": ["meanflow.loss_terms=dual"],
        "meanflow.reduction": ["meanflow.reduction=sum"],
        "meanflow.loss_power": ["meanflow.loss_power=1.5"],
        "meanflow.mask_share": MASKED,
        "meanflow.mask_block": ["meanflow.mask_share=0.5", "meanflow.mask_block=1"],
        "meanflow.guidance_scale": GUIDED,
        "meanflow.guidance_mixing": [*TOLD, "meanflow.guidance_mixing=0.4"],
        "meanflow.guidance_interval": [*GUIDED, "meanflow.guidance_interval=[0.0,0.4]"],
        "covariates.columns": TOLD,
        "covariates.dropout": [*TOLD, "covariates.dropout=0.9"],
        "meanflow.norm_eps": ["meanflow.norm_eps=0.5"],
        "meanflow.norm_p": ["meanflow.norm_p=0.25"],
        "meanflow.t_min": ["meanflow.t_min=0.5"],
        "meanflow.channel_weights": ["meanflow.channel_weights=inverse_variance"],
        "augmentation.flip_probability": ["augmentation.flip_probability=1.0"],
        "augmentation.noise_std": ["augmentation.noise_std=0.5"],
        "augmentation.channel_scale": ["augmentation.channel_scale=0.5"],
        "time_sampling.mu": ["time_sampling.mu=0.0"],
        "time_sampling.sigma": ["time_sampling.sigma=2.0"],
        "time_sampling.r_mu": ["time_sampling.r_mu=-4.0"],
        "time_sampling.r_sigma": ["time_sampling.r_sigma=2.0"],
        "time_sampling.data_proportion": ["time_sampling.data_proportion=0.75"],
        "time_sampling.uniform_fraction": ["time_sampling.uniform_fraction=0.9"],
        "time_sampling.t_min": ["time_sampling.t_min=0.6"],
        "training.batch_size_per_gpu": ["training.batch_size_per_gpu=3"],
        "training.gpus": ["training.gpus=1"],
        "training.gradient_accumulation_steps": ["training.gradient_accumulation_steps=1"],
        "training.optimiser": ["training.optimiser=adam"],
        "training.learning_rate": ["training.learning_rate=0.002"],
        "training.beta1": ["training.beta1=0.5"],
        "training.beta2": ["training.beta2=0.5"],
        "training.adam_eps": ["training.adam_eps=0.001"],
        "training.weight_decay": ["training.weight_decay=0.0"],
        "training.lr_schedule": ["training.lr_schedule=linear"],
        "training.warmup_steps": ["training.warmup_steps=2"],
        "training.gradient_clip": ["training.gradient_clip=0.001"],
        "training.precision": [*ONE_LEVEL, "training.precision=bf16"],
        "training.seed": ["training.seed=4"],
        "ema.decay": ["ema.decay=0.5"],
    },
    counts: {
        "training.epochs": ["training.epochs=3"],
        "training.micro_batches_per_epoch": ["training.micro_batches_per_epoch=8"],
    },
    measured: {"training.measure_weights_every_steps": ["training.measure_weights_every_steps=5"]},
    block_norms: {"training.diagnostics": ["training.diagnostics=false"]},
    verdicts: {
        "training.divergence_warn_ratio": ["training.divergence_warn_ratio=50.0"],
        "training.divergence_threshold": ["training.divergence_threshold=null"],
    },
    checkpoints: {
        "training.checkpoint_every_steps": ["training.checkpoint_every_steps=100"],
        "training.keep_last_checkpoints": [*EACH_STEP, "training.keep_last_checkpoints=1"],
        "training.keep_best_checkpoints": [*EACH_STEP, "training.keep_best_checkpoints=3"],
    },
    evaluations: {"training.activation_checkpointing": ["training.activation_checkpointing=non_reentrant"]},
    compilers: {"training.compile": ["training.compile=true"]},
    replica: {"training.ddp_static_graph": ["training.ddp_static_graph=true"]},
    kernels: {"training.deterministic": ["training.deterministic=false"]},
    judged: {"training.monitors": ["training.monitors=false"]},
    convolutions: {"vae.num_splits": [*WIDER, "vae.num_splits=2"]},
    start: {
        "training.init_from": ["training.init_from=former"],
        "training.init_weights": ["training.init_from=former", "training.init_weights=weights"],
    },
    built: {"unet.factory": FACTORY},
    validated: {
        "training.validate_every_epochs": ["training.validate_every_epochs=1", *SHORT],
        "training.validation_scans": [*STOPPING, "training.validation_scans=2"],
        "training.validation_metric": [*STOPPING, "training.validation_metric=val_mf"],
        "training.early_stop_patience": [*STOPPING, "training.early_stop_patience=2"],
        "training.early_stop_min_improvement": [*STOPPING, "training.early_stop_min_improvement=0.0"],
    },
    shown: {"training.reported_loss": ["training.reported_loss=weighted"]},
    data: {
        "data.demo_subjects": ["data.demo_subjects=7"],
        "data.demo_seed": ["data.demo_seed=1"],
        "data.spacing_mm": ["data.spacing_mm=3.0"],
        "data.shape": ["data.shape=[16,16,24]"],
        "data.intensity_percentiles": ["data.intensity_percentiles=[0.0,90.0]"],
        "data.clip_above": ["data.clip_above=false"],
        "data.split_ratios": ["data.split_ratios=[0.6,0.4,0.0]"],
        "data.split_seed": ["data.split_seed=7"],
        "data.root": ["data.source=folder", "data.root=nowhere"],
        "vae.checkpoint": ["vae.checkpoint=nowhere.pt"],
        "vae.factory": ["vae.factory=nowhere:build", "vae.checkpoint=factory"],
        "vae.latent_channels": ["vae.latent_channels=3"],
        "vae.stride": ["vae.stride=2"],
        "vae.norm_float16": ["vae.norm_float16=true"],
        "vae.tile_voxels": [*WIDER, "vae.tile_voxels=16"],
        "vae.tile_overlap": [*TILES, "vae.tile_overlap=0.5"],
    },
}
CASES = [(witness, key, overrides) for witness, keys in WITNESSES.items() for key, overrides in keys.items()]
REFERENCES = {
    "training.init_weights": ("training.init_from=former",),
    "training.validate_every_epochs": SHORT,
    "training.validation_scans": STOPPING,
    "training.validation_metric": STOPPING,
    "training.early_stop_patience": STOPPING,
    "training.early_stop_min_improvement": STOPPING,
    "vae.num_splits": WIDER,
    "vae.tile_voxels": WIDER,
    "vae.tile_overlap": TILES,
    "meanflow.mask_block": MASKED,
    "meanflow.fd_step": DIFFERENCE,
    "meanflow.fd_scheme": DIFFERENCE,
    "meanflow.derivative_precision": ONE_LEVEL,
    "unet.embedding_precision": NARROW,
    "training.precision": ONE_LEVEL,
    "training.keep_last_checkpoints": EACH_STEP,
    "training.keep_best_checkpoints": EACH_STEP,
}
"""What a key is compared with where it acts beside another alone."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A latent cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def before():
    """Witnesses of the base configuration, each computed once."""
    return {}


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("witness", "key", "overrides"), CASES, ids=[key for _, key, _ in CASES])
def test_a_key_changes_the_hash_and_something_observable(witness, key, overrides, before, tmp_path):
    """Changing the key alone changes the resolved hash and what a run does or records."""
    reference = REFERENCES.get(key, ())
    base, changed = make_tiny_config(*BASE, *reference), make_tiny_config(*BASE, *overrides)
    assert config_hash(base) != config_hash(changed)
    known = (witness, tuple(reference))
    if known not in before:
        before[known] = witness(base, tmp_path)
    assert witness(changed, tmp_path) != before[known]


def test_every_key_is_covered():
    """No key is without a witness; `data.source` and `data.root` are given together or not at all.

    How many bad scans are set aside shows beside bad scans alone: `with a bad scan` in the table of the wiring.
    """
    covered = {key for _, key, _ in CASES} | {"data.source", "data.max_quarantined"}
    assert covered == set(flat_config(Config()))


@pytest.mark.parametrize("overrides", [["data.source=folder"], ["data.root=somewhere"], ["meanflow.fd_step=0.001"]])
def test_a_key_without_its_partner_is_an_error(overrides):
    """A key that would have no effect alone is refused."""
    with pytest.raises(InputError):
        make_tiny_config(*overrides)
