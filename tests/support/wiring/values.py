"""Every scenario with its configuration, and the other values that a place is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf.config import Config
from neuromf.config.own_code import Options
from neuromf.training.latents.store import training_store
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from tests.support.tiny_run import make_tiny_config
from tests.support.wiring import data, judging, telling, training, validating
from tests.support.wiring.parts import (
    CPU,
    FIRST,
    ONE_LEVEL,
    OWN,
    OWN_VAE,
    SECOND,
    SMALL,
    THIRD,
    VALIDATING,
    VALIDATING_DUAL,
    latents,
    small_autoencoder,
    small_cohort,
)
from tests.support.wiring.reads import Observed, Read

OTHER: dict[str, tuple[Any, ...]] = {
    "data.source": ("table", "folder", "demo"),
    "data.demo_subjects": (7,),
    "data.demo_seed": (1,),
    "data.spacing_mm": (3.0,),
    "data.shape": ((8, 8, 16),),
    "data.intensity_percentiles": ((0.0, 90.0),),
    "data.clip_above": (False,),
    "data.split_ratios": ((0.6, 0.2, 0.2), (1.0, 0.0, 0.0)),
    "data.split_seed": (7,),
    "data.max_quarantined": (0.0,),
    "vae.factory": (None, "nowhere:build"),
    "vae.factory_options": (Options(), Options(channels=3)),
    "vae.latent_channels": (5,),
    "vae.stride": (2,),
    "unet.factory": ("nowhere:build", None),
    "unet.factory_options": (Options(width=6),),
    "unet.small_options": (Options(width=6),),
    "training.init_from": ("nowhere", None),
    "training.init_weights": ("weights", "average"),
    "training.validate_every_epochs": (1, 3),
    "training.validation_scans": (2,),
    "training.validation_metric": ("val_fm", "val_mf"),
    "training.early_stop_patience": (1, 300, None),
    "training.early_stop_min_improvement": (0.4,),
    "vae.norm_float16": (True,),
    "vae.num_splits": (2,),
    "vae.tile_voxels": (16, 32),
    "vae.tile_overlap": (0.5,),
    "unet.channels": ((8, 16), (4, 8, 8)),
    "unet.attention_levels": ((False, False),),
    "unet.head_channels": (2,),
    "unet.num_res_blocks": (2,),
    "unet.norm_num_groups": (4,),
    "unet.time_scale": (3.0,),
    "unet.conditioning": ("t_and_r", "gap"),
    "unet.embedding_precision": ("fp32", "network"),
    "unet.flash_attention": (True,),
    "unet.resblock_updown": (True,),
    "meanflow.prediction": ("u", "x"),
    "meanflow.tangent": ("conditional", "v_head"),
    "meanflow.jvp": ("finite_difference", "exact"),
    "meanflow.fd_step": (0.02, None),
    "meanflow.fd_scheme": ("central", "forward"),
    "meanflow.derivative_precision": ("bf16", "fp32"),
    "meanflow.loss_terms": ("dual", "single"),
    "meanflow.reduction": ("sum", "mean"),
    "meanflow.loss_power": (2.0, 1.5),
    "meanflow.mask_share": (0.5, 0.0, 0.25),
    "meanflow.mask_block": (2, 1),
    "meanflow.norm_eps": (20.0,),
    "meanflow.norm_p": (0.25,),
    "meanflow.t_min": (0.3,),
    "meanflow.channel_weights": (None, "inverse_variance"),
    "meanflow.guidance_scale": (3.0, 1.0),
    "meanflow.guidance_mixing": (0.5, 0.0),
    "meanflow.guidance_interval": ((0.0, 1.0), (0.5, 0.6)),
    "covariates.columns": (("noise_sd=0.0..0.5",), ("noise_sd=0.0..0.5", "warp_mm=1..9"), ()),
    "covariates.dropout": (0.05, 0.95),
    "time_sampling.mu": (0.7,),
    "time_sampling.sigma": (2.0,),
    "time_sampling.r_mu": (0.9,),
    "time_sampling.r_sigma": (0.4,),
    "time_sampling.data_proportion": (0.7, 0.01, 0.99),
    "time_sampling.uniform_fraction": (0.95,),
    "time_sampling.t_min": (0.6,),
    "augmentation.flip_probability": (1.0,),
    "augmentation.noise_std": (0.5,),
    "augmentation.channel_scale": (0.5,),
    "training.epochs": (5,),
    "training.micro_batches_per_epoch": (7,),
    "training.batch_size_per_gpu": (3,),
    "training.gpus": (2,),
    "training.gradient_accumulation_steps": (5, 3),
    "training.optimiser": ("adam", "adamw"),
    "training.learning_rate": (0.02,),
    "training.beta1": (0.5,),
    "training.beta2": (0.5,),
    "training.adam_eps": (1e-3,),
    "training.weight_decay": (0.5,),
    "training.lr_schedule": ("linear", "constant"),
    "training.warmup_steps": (3, 60),
    "training.gradient_clip": (0.01, 1e6),
    "training.precision": ("bf16",),
    "training.activation_checkpointing": ("non_reentrant",),
    "training.compile": (True,),
    "training.ddp_static_graph": (True,),
    "training.deterministic": (False,),
    "training.reported_loss": ("weighted", "objective"),
    "training.monitors": (False,),
    "training.diagnostics": (False,),
    "training.measure_weights_every_steps": (2, 7),
    "training.divergence_warn_ratio": (50.0, 1.5),
    "training.divergence_threshold": (None,),
    "training.checkpoint_every_steps": (3,),
    "training.keep_last_checkpoints": (1,),
    "training.keep_best_checkpoints": (3,),
    "training.seed": (4,),
    "ema.decay": (0.5,),
    "facts.optimiser_steps": (150,),
    "facts.effective_batch": (6, 60),
    "facts.latent_dims": (100,),
    "facts.steps_per_epoch": (9.0,),
    "facts.loss_terms": (3,),
}
"""What a place is told instead, by setting; those of the run's own files are made with them."""
SECTION_OF = {"objective": "meanflow", "times": "time_sampling", "preprocessing": "data"}
"""Where the values come from of what is handed on."""


@dataclass(frozen=True)
class Scenario:
    """A piece of a run: its configuration, and what it shows."""

    config: Config
    show: Callable[[Config], Observed]

    def run(self) -> Observed:
        """What it shows."""
        return self.show(self.config)


@dataclass(frozen=True)
class Stage:
    """Every scenario by name, and the other values of settings that name files."""

    scenarios: dict[str, Scenario]
    files: dict[str, tuple[Any, ...]]

    def others(self, read: Read, config: Config) -> Iterator[Any]:
        """The values that a setting does not have now."""
        section, name = read.key.split(".")
        section = SECTION_OF.get(section, section)
        now = getattr(getattr(config, section), name) if section in type(config).model_fields else None
        key = f"{section}.{name}"
        yield from (value for value in self.files.get(key, OTHER.get(key, ())) if value != now)


def set_up(folder: Path) -> Stage:
    """Two folders of scans, two autoencoders, and the scenarios that use them."""
    roots = [small_cohort(folder / f"scans{seed}", 5, seed) for seed in (1, 2)]
    codecs = [small_autoencoder(folder / f"vae{seed}.safetensors", seed) for seed in (0, 1)]
    common = (*SMALL, f"vae.checkpoint={codecs[0]}", "data.spacing_mm=2.0", "data.shape=[8,8,8]")
    split = ("data.demo_subjects=5", "data.split_ratios=[0.4,0.6,0.0]")
    demo = make_tiny_config(*common, *split)
    own = make_tiny_config(*common, *split, "data.source=folder", f"data.root={roots[0]}")
    training_store(own)  # for the scenario that finds it
    files = {"data.root": (str(roots[1]), None), "vae.checkpoint": (codecs[1], "nowhere.pt")}
    tiled = make_tiny_config(*common, *split, "data.shape=[32,8,8]", "vae.tile_voxels=16")
    bad = small_cohort(folder / "bad", 4, 3)
    (bad / "sub-009_T1w.nii.gz").write_bytes(b"")
    unusable = make_tiny_config(*common, *split, "data.source=folder", f"data.root={bad}", "data.max_quarantined=1.0")
    coded = make_tiny_config(*common, *split, *OWN_VAE, "data.spacing_mm=2.0", "data.shape=[16,16,16]")
    more = {"tiled": Scenario(tiled, data.stored), "with a bad scan": Scenario(unusable, data.stored)}
    more |= {"own autoencoder": Scenario(coded, data.stored)}
    run = create_run(folder / "run", FIRST, "")
    train(FIRST, latents(), run, device=CPU, max_steps=1)
    started = make_tiny_config(*SMALL, "meanflow.prediction=u", f'training.init_from="{run.root}"')
    more |= {"begun elsewhere": Scenario(started, training.begun_elsewhere)}
    return Stage(_scenarios(demo, own) | more, files)


THREE_WAYS: dict[str, Callable[[Config], Observed]] = {
    "draw": training.draw,
    "optimiser": training.optimiser,
    "anchored": judging.anchored,
    "on paper": judging.on_paper,
    "live": judging.live,
    "suspected": judging.suspected,
    "trusted": judging.trusted,
    "saved": training.saved,
    "watched": training.watched_live,
    "network": training.network,
    "objective": training.objective,
    "narrow": training.narrow,
    "start": training.start,
    "launched": judging.launched,
    "shrunk": judging.shrunk,
    "planned": judging.planned,
    "sampled": training.sampled,
    "repeated": training.repeated,
}
"""What each of the three configurations shows, the quickest first: a place belongs to the first that shows it."""


def _scenarios(demo: Config, own: Config) -> dict[str, Scenario]:
    made = {"preprocessed": Scenario(demo, data.preprocessed), "on paper, folder": Scenario(own, judging.on_paper)}
    for name, show in THREE_WAYS.items():
        for number, config in enumerate((FIRST, SECOND, THIRD), start=1):
            made[f"{name}, {number}"] = Scenario(config, show)
    made["step"] = Scenario(ONE_LEVEL, training.step)
    made["own network"] = Scenario(OWN, training.own_network)
    made["own network, shrunk"] = Scenario(OWN, judging.shrunk)
    made["own network, on paper"] = Scenario(OWN, judging.on_paper)
    made["own network, launched"] = Scenario(OWN, judging.own_launched)
    made |= {"validated": Scenario(VALIDATING, validating.validated)}
    made |= {"validated, dual": Scenario(VALIDATING_DUAL, validating.validated)}
    made |= {"validated, on paper": Scenario(VALIDATING, judging.on_paper)}
    made |= {"told": Scenario(telling.TOLD, telling.told), "known": Scenario(telling.TOLD, telling.known)}
    made["augmented"] = Scenario(make_tiny_config(*SMALL, "augmentation.noise_std=0.25"), training.draw)
    made["masked"] = Scenario(
        make_tiny_config(*SMALL, "meanflow.mask_share=0.5", "meanflow.mask_block=2"), training.draw
    )
    made |= {"kept": Scenario(own, data.kept), "demo": Scenario(demo, data.stored)}
    made |= {"folder": Scenario(own, data.stored), "begun": Scenario(own, data.begun)}
    return made | {"tried": Scenario(demo, data.tried), "tried, folder": Scenario(own, data.tried)}
