"""Every setting of a run: its name, type, unit, default and range.

The defaults are those of the `recommended` recipe. Section and key names are those of the review that started the
project, so that its corrected YAML can be pasted in. An option that would have no effect is an error (CFG-001).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neuromf.config.covariates import Columns
from neuromf.config.own_code import Factory, Options
from neuromf.flow.block_counts import masked_blocks

# Beyond these a float32 step overflows or vanishes, or a count no machine could hold keeps the program busy.
Positive = Annotated[float, Field(ge=1e-12, le=1e12, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
UnitInterval = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]

LATENT_CHANNELS = 4
"""Channels of a MAISI latent."""
LATENT_STRIDE = 4
"""Voxels a cell of a MAISI latent spans along each axis."""
OWN_WEIGHTS = "factory"
"""`vae.checkpoint` where the factory's network brings its weights."""

VALIDATION = ("validation_scans", "validation_metric", "early_stop_patience", "early_stop_min_improvement")
"""Keys of `training` that say something of its validations."""
BESIDE_FACTORY = ("factory", "factory_options", "small_options")
"""Keys of `unet` that say something of a network that other code builds."""
LEAST_SPLIT = 3
"""Latent cells of the smallest part that MONAI's split convolutions take: they overlap by three."""


class ConfigSection(BaseModel):
    """Base of every section: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataConfig(ConfigSection):
    """Which scans are trained on and how a scan becomes a latent."""

    source: Literal["demo", "folder", "table"] = Field(
        "demo", description="the built-in cohort, a folder of your scans, or a table of them (`neuromf data index`)"
    )
    root: str | None = Field(None, description="that folder or table; needed by, and only by, source: folder and table")
    demo_subjects: Annotated[int, Field(ge=3, le=1_000_000, description="subjects of the built-in cohort")] = 64
    demo_seed: Annotated[int, Field(ge=0, lt=2**63, description="seed of the built-in cohort's anatomies")] = 0
    spacing_mm: Annotated[float, Field(ge=0.1, le=50, description="edge of a voxel after resampling")] = 1.0
    shape: tuple[Count, Count, Count] = Field((192, 192, 192), description="voxels after crop or pad")
    intensity_percentiles: tuple[float, float] = Field(
        (0.0, 99.5), description="percentiles of a scan that become 0 and 1"
    )
    clip_above: bool = Field(
        True, description="what is brighter than the upper percentile becomes 1; false scales as MAISI does"
    )
    split_ratios: tuple[UnitInterval, UnitInterval, UnitInterval] = Field(
        (0.85, 0.10, 0.05), description="shares of the subjects for training, validation and test"
    )
    split_seed: Annotated[int, Field(ge=0, lt=2**63, description="seed of the split")] = 42
    max_quarantined: UnitInterval = Field(
        0.01, description="share of the scans that may be set aside because they cannot be used; more end the run"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.source == "demo") != (self.root is None):
            raise ValueError("root must be given with source: folder or table, and only then")
        low, high = self.intensity_percentiles
        if not 0 <= low < high <= 100:
            raise ValueError(f"intensity_percentiles [{low}, {high}] must rise within 0..100")
        if not abs(sum(self.split_ratios) - 1) <= 1e-9:
            raise ValueError(f"split_ratios add up to {sum(self.split_ratios):g}, write three that add up to 1")
        return self


class VaeConfig(ConfigSection):
    """The frozen autoencoder between scans and latents."""

    checkpoint: str = Field(
        "autoencoder_v2.pt",
        description="'demo' for the shipped weights, a checkpoint file, or 'factory' where vae.factory brings them",
    )
    factory: Factory = Field(None, description="package.module:callable that builds an autoencoder of your own")
    factory_options: Options = Field(Options(), description="keyword arguments of that callable")
    latent_channels: Annotated[int, Field(ge=1, le=4096, description="channels of a latent")] = LATENT_CHANNELS
    stride: Annotated[int, Field(ge=1, le=256, description="voxels that a latent cell spans along each axis")] = (
        LATENT_STRIDE
    )
    num_splits: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="parts in which each convolution takes a scan, for less memory; the same up to rounding"
    )
    norm_float16: bool = Field(
        False, description="let group norms give float16 as MAISI does, for half of a GPU's memory; latents are rounded"
    )
    tile_voxels: Annotated[int, Field(ge=16, le=4096)] | None = Field(
        None,
        description="edge of the tiles in which scans are encoded and decoded, for much less memory; null for none",
    )
    tile_overlap: Annotated[float, Field(ge=0, le=0.75)] = Field(
        0.25, description="share of a tile's edge that it has in common with the next; needs tile_voxels"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_factory()
        if self.tile_voxels is None:
            if self.tile_overlap != VaeConfig.model_fields["tile_overlap"].default:
                raise ValueError("tile_overlap has no effect without tile_voxels")
            return self
        if self.tile_voxels % (4 * self.stride):
            raise ValueError(f"tile_voxels {self.tile_voxels} must be a multiple of {4 * self.stride}")
        step = self.tile_voxels * (1 - self.tile_overlap) / self.stride
        if abs(step - round(step)) > 1e-9:
            raise ValueError(f"tile_overlap {self.tile_overlap:g} must leave a multiple of {self.stride} voxels a step")
        return self

    def _check_factory(self) -> None:
        if self.factory is None:
            if self.factory_options or self.checkpoint == OWN_WEIGHTS:
                raise ValueError("factory must be given with factory_options and with checkpoint: factory")
            return
        if self.checkpoint == "demo":
            raise ValueError("checkpoint 'demo' has no weights of factory's network, name their file or 'factory'")
        if self.num_splits > 1 or self.norm_float16:
            name = "num_splits" if self.num_splits > 1 else "norm_float16"
            raise ValueError(f"{name} has no effect with factory, tile_voxels has")


class UnetConfig(ConfigSection):
    """MONAI DiffusionModelUNet conditioned on both times, or a network of the user's own."""

    factory: Factory = Field(None, description="package.module:callable that builds a network of your own instead")
    factory_options: Options = Field(Options(), description="keyword arguments of that callable")
    small_options: Options = Field(
        Options(), description="those that take other values in the gate's short training, to make it quick"
    )

    channels: Annotated[tuple[Count, ...], Field(min_length=1, description="channels by level")] = (64, 128, 256, 512)
    attention_levels: tuple[bool, ...] = Field(
        (False, False, True, True), description="whether a level attends, by level"
    )
    head_channels: Annotated[int, Field(ge=1, le=1_000_000, description="channels per attention head")] = 32
    num_res_blocks: Count = Field(2, description="residual blocks of a level")
    norm_num_groups: Count = Field(32, description="groups of a group normalisation; divides every entry of channels")
    time_scale: Positive = Field(1.0, description="factor on each time before its sinusoidal embedding (JVP-005)")
    conditioning: Literal["t_and_gap", "t_and_r", "gap"] = Field(
        "t_and_gap", description="what the net is told besides z: t and t-r, t and r, or t-r alone"
    )
    embedding_precision: Literal["fp32", "network"] | None = Field(
        None, description="of sinusoids and perceptron of the times; null: sinusoids fp32, perceptron as the network"
    )
    flash_attention: bool = Field(False, description="fused attention, but for the derivative (JVP-004)")
    resblock_updown: bool = Field(False, description="residual blocks between levels instead of a convolution")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.factory is not None:
            for name, field in UnetConfig.model_fields.items():
                if name not in BESIDE_FACTORY and getattr(self, name) != field.default:
                    raise ValueError(f"{name} has no effect with factory, leave it out")
            return self
        if self.factory_options or self.small_options:
            raise ValueError("factory must be given with factory_options and small_options")
        if len(self.channels) != len(self.attention_levels):
            raise ValueError(f"{len(self.channels)} channels but {len(self.attention_levels)} attention_levels")
        for size in self.channels:
            if size % self.norm_num_groups:
                raise ValueError(f"channels {size} is not a multiple of norm_num_groups {self.norm_num_groups}")
        if self.channels[0] % 2:
            raise ValueError(f"the first of channels, {self.channels[0]}, must be even: half sines, half cosines")
        # The block between down and up always attends.
        attends = (*self.attention_levels[:-1], True)
        for size, used in zip(self.channels, attends, strict=True):
            if used and size % self.head_channels:
                raise ValueError(f"channels {size} is not a multiple of head_channels {self.head_channels}")
        return self

    @property
    def stride(self) -> int:
        """Latent cells that must divide each axis: every level but the last halves it; 1 for what is not known."""
        return int(2 ** (len(self.channels) - 1)) if self.factory is None else 1


class MeanFlowConfig(ConfigSection):
    """The objective: identity, derivative, reduction, weighting."""

    prediction: Literal["u", "x"] = Field("x", description="what the net puts out: average velocity u, or data x")
    tangent: Literal["conditional", "model", "v_head"] = Field(
        "model", description="velocity along which du/dt is taken: e - x, u(z, t, t), or a second head of the net"
    )
    jvp: Literal["exact", "finite_difference"] = Field("exact", description="how du/dt is computed")
    fd_step: Positive | None = Field(None, description="step of the finite difference in t; only with it")
    fd_scheme: Literal["forward", "central"] = Field(
        "forward", description="of a finite difference: u(t + h) against u(t), or against u(t - h)"
    )
    derivative_precision: Literal["fp32", "tf32", "bf16"] | None = Field(
        None, description="of the passes for du/dt; null: fp32 if exact, else training.precision (PREC-001)"
    )
    loss_terms: Literal["single", "dual"] = Field(
        "single", description="one velocity loss, or a flow-matching loss beside it"
    )
    loss_power: Annotated[float, Field(ge=1, le=8)] = Field(
        2.0, description="p of the error |V - v_c|^p that is trained; raw losses are squares at any (LOSS-003)"
    )
    reduction: Literal["mean", "sum"] = Field("mean", description="of a sample's error over its dims")
    norm_eps: Positive = Field(1.0, description="c of the adaptive weight, in the unit of the reduced loss")
    norm_p: NonNegative = Field(1.0, description="p of the adaptive weight; 0 switches it off")
    t_min: Annotated[float, Field(gt=0, lt=1)] = Field(0.05, description="clamp of every 1/t")
    channel_weights: tuple[Positive, ...] | Literal["inverse_variance"] | None = Field(
        None, description="factor on each channel's squared error; inverse_variance measures it on the latents"
    )
    guidance_scale: Positive = Field(
        1.0, description="omega of the guided velocity that is learned, with covariates; 1 guides nothing (GUIDE-001)"
    )
    guidance_mixing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="kappa, share of the net's own guided velocity: samples are guided by omega / (1 - kappa)"
    )
    guidance_interval: tuple[UnitInterval, UnitInterval] = Field(
        (0.0, 1.0), description="smallest and largest t at which a sample is guided"
    )
    mask_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of a sample's blocks that every loss term leaves out; raw losses keep all (MASK-001)"
    )
    mask_block: Count = Field(4, description="edge of such a block, a cube of latent cells; only with mask_share")

    @property
    def guided(self) -> bool:
        """Whether what is learned is guided."""
        return (self.guidance_scale, self.guidance_mixing) != (1, 0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mask_share == 0 and self.mask_block != MeanFlowConfig.model_fields["mask_block"].default:
            raise ValueError("mask_block has no effect without mask_share")
        if (self.jvp == "finite_difference") != (self.fd_step is not None):
            raise ValueError("fd_step must be given with jvp: finite_difference, and only then")
        low, high = self.guidance_interval
        if not low < high:
            raise ValueError(f"guidance_interval [{low:g}, {high:g}] must rise")
        if not self.guided and (low, high) != MeanFlowConfig.model_fields["guidance_interval"].default:
            raise ValueError("guidance_interval has no effect with guidance_scale 1 and guidance_mixing 0")
        return self


class TimeSamplingConfig(ConfigSection):
    """The distribution of (r, t)."""

    mu: Annotated[float, Field(ge=-100, le=100, description="mean of the logit-normal distribution of times")] = -0.4
    sigma: Positive = Field(1.0, description="its standard deviation")
    r_mu: Annotated[float, Field(ge=-100, le=100)] | None = Field(
        None, description="mu of the second time of a pair, where it has one of its own"
    )
    r_sigma: Positive | None = Field(None, description="sigma of the second time, likewise")
    data_proportion: UnitInterval = Field(0.75, description="share of samples with r = t (FM samples)")
    uniform_fraction: UnitInterval = Field(0.2, description="share of MF samples whose pair is uniform (TIME-005)")
    t_min: Annotated[float, Field(gt=0, lt=1)] = Field(0.05, description="smallest t that is drawn")


class TrainingConfig(ConfigSection):
    """Optimiser, schedule, batch, precision, guard. Steps are optimiser steps unless the name says otherwise."""

    epochs: Count = Field(500, description="length of the run, in epochs of micro_batches_per_epoch")
    micro_batches_per_epoch: Count = Field(30, description="micro-batches of one rank in an epoch")
    batch_size_per_gpu: Count = Field(8, description="samples of a micro-batch")
    gpus: Count = Field(2, description="processes that train, each with micro-batches of its own")
    gradient_accumulation_steps: Count = Field(8, description="micro-batches of a process in one optimiser step")
    optimiser: Literal["adamw", "adam"] = Field("adamw", description="adam couples the weight decay (CFG-002)")
    learning_rate: Positive = Field(1.0e-4, description="after the warm-up")
    beta1: Annotated[float, Field(ge=0, lt=1, description="decay of the gradient's average")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="decay of the squared gradient's average (OPT-001)")] = 0.95
    adam_eps: Positive = Field(1.0e-8, description="added to the root of that average")
    weight_decay: NonNegative = Field(0.0, description="of every parameter")
    lr_schedule: Literal["constant", "cosine", "linear"] = Field("constant", description="after the warm-up")
    warmup_steps: Annotated[int, Field(ge=0, le=10**12, description="steps of the linear rise (LR-003)")] = 0
    gradient_clip: Positive | None = Field(1.0, description="largest global gradient norm; null switches it off")
    precision: Literal["fp32", "tf32", "bf16"] = Field(
        "fp32", description="of the net's passes; losses stay float32. tf32: on a GPU's tensor cores, else as fp32"
    )
    activation_checkpointing: Literal["none", "reentrant", "non_reentrant"] = Field(
        "none", description="recompute each block in the backward pass instead of keeping its activations (JVP-004)"
    )
    compile: bool = Field(False, description="compile the pass with gradient; the derivative never is (JVP-001)")
    ddp_static_graph: bool = Field(False, description="of DistributedDataParallel (JVP-004)")
    deterministic: bool = Field(True, description="kernels that repeat themselves bit for bit, or an error (CFG-002)")
    reported_loss: Literal["objective", "weighted"] = Field(
        "objective", description="what a run is judged by (WGT-002)"
    )
    monitors: bool = Field(True, description="judge the laws of a running training; off blocks a launch (GUARD-001)")
    diagnostics: bool = Field(True, description="gradient norms per block; the raw loss is recorded either way")
    measure_weights_every_steps: Count = Field(
        1,
        description="steps between readings of all weights, as ema_gap; the first ten and an epoch's last too",
    )
    divergence_warn_ratio: Positive = Field(10.0, description="warn above this multiple of the initial raw loss")
    divergence_threshold: Positive | None = Field(100.0, description="halt above this multiple; null disarms the guard")
    checkpoint_every_steps: Count = Field(100, description="steps between two checkpoints")
    keep_last_checkpoints: Count = Field(2, description="newest checkpoints that stay; a second covers a damaged one")
    keep_best_checkpoints: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        1, description="checkpoints that stay for their raw loss, mean over the checkpoint_every_steps steps before"
    )
    validate_every_epochs: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0, description="epochs from one validation of the averaged weights to the next; 0 never validates (VAL-001)"
    )
    validation_scans: Count = Field(
        32, description="most scans of the validation split that are judged, one a subject; as many of the training's"
    )
    validation_metric: Literal["val_total", "val_fm", "val_mf"] = Field(
        "val_total", description="by which the best checkpoint is kept and a run stops early; lower is better"
    )
    early_stop_patience: Count | None = Field(
        None, description="validations in a row without a new best after which the run ends; null never (VAL-002)"
    )
    early_stop_min_improvement: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share by which a validation must be below the best to count as a new best for that"
    )
    seed: Annotated[int, Field(ge=0, lt=2**63, description="of weights, batches, noise and times")] = 0
    init_from: str | None = Field(
        None,
        min_length=1,
        description="RUN, RUN@STEP, RUN@best or RUN@latest whose weights the training starts from; null: from scratch",
    )
    init_weights: Literal["average", "weights"] = Field(
        "average", description="which of that run's: averaged, or those of its last step; only with init_from"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.init_from is None and self.init_weights != TrainingConfig.model_fields["init_weights"].default:
            raise ValueError("init_weights has no effect without init_from")
        self._check_validation()
        if self.epochs * self.micro_batches_per_epoch < self.gradient_accumulation_steps:
            raise ValueError(
                "the run ends before one optimiser step: raise epochs or lower gradient_accumulation_steps"
            )
        return self

    def _check_validation(self) -> None:
        needs = dict.fromkeys(VALIDATION, "validate_every_epochs") if not self.validate_every_epochs else {}
        if self.early_stop_patience is None:
            needs.setdefault("early_stop_min_improvement", "early_stop_patience")
        for name, needed in needs.items():
            if getattr(self, name) != TrainingConfig.model_fields[name].default:
                raise ValueError(f"{name} has no effect without {needed}")


class AugmentationConfig(ConfigSection):
    """What is done to training latents each time they are drawn, by (seed, step, sample); nothing by default."""

    flip_probability: UnitInterval = Field(0.0, description="share of samples mirrored left to right")
    noise_std: Annotated[float, Field(ge=0, le=10)] = Field(
        0.0, description="standard deviation of noise that is added to normalised latents"
    )
    channel_scale: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="s of the factor, uniform in 1 - s to 1 + s, that each channel of a sample is multiplied by"
    )


class CovariatesConfig(ConfigSection):
    """What the network is told of a scan's subject; nothing by default."""

    columns: Columns = Field(
        (), description="columns of participants.tsv or the table, as age=20..90 for a number and sex=F|M for classes"
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="share of samples of which the net is told nothing, so that it also learns to do without"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.columns and self.dropout != CovariatesConfig.model_fields["dropout"].default:
            raise ValueError("dropout has no effect without columns")
        return self


class EmaConfig(ConfigSection):
    """Exponential moving average of the weights, per optimiser step, if there is one."""

    decay: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        0.995, description="share of the average that stays at each step; null keeps none, and the weights are sampled"
    )


class Config(ConfigSection):
    """One run."""

    data: DataConfig = DataConfig()
    vae: VaeConfig = VaeConfig()
    unet: UnetConfig = UnetConfig()
    meanflow: MeanFlowConfig = MeanFlowConfig()
    time_sampling: TimeSamplingConfig = TimeSamplingConfig()
    training: TrainingConfig = TrainingConfig()
    ema: EmaConfig = EmaConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    covariates: CovariatesConfig = CovariatesConfig()

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        """Channels, depth, height and width of one latent."""
        depth, height, width = (size // self.vae.stride for size in self.data.shape)
        return self.vae.latent_channels, depth, height, width

    @model_validator(mode="after")
    def _check(self) -> Self:
        stride = self.vae.stride
        if any(size % stride for size in self.data.shape):
            raise ValueError(f"data.shape {list(self.data.shape)} must be a multiple of {stride} along each axis")
        cells, splits = self.data.shape[1] // stride, self.vae.num_splits
        if splits > 1 and (cells % splits or not cells // splits >= LEAST_SPLIT):
            least = stride * splits
            problem = f"must be a multiple of {least}, at least {LEAST_SPLIT * least}, for vae.num_splits {splits}"
            raise ValueError(f"data.shape[1] {self.data.shape[1]} {problem}")
        voxels = stride * self.unet.stride
        if any(size % voxels for size in self.data.shape):
            levels = len(self.unet.channels)
            raise ValueError(f"data.shape {list(self.data.shape)} must be a multiple of {voxels} for {levels} levels")
        weights, channels = self.meanflow.channel_weights, self.vae.latent_channels
        if isinstance(weights, tuple) and len(weights) != channels:
            raise ValueError(f"meanflow.channel_weights has {len(weights)} entries, vae.latent_channels is {channels}")
        if self.meanflow.guided and not self.covariates.columns:
            raise ValueError("meanflow.guidance_scale and guidance_mixing have no effect without covariates.columns")
        if self.meanflow.guided and not self.covariates.dropout:
            raise ValueError("meanflow.guidance_scale needs covariates.dropout above 0, or nothing is learned without")
        share, block = self.meanflow.mask_share, self.meanflow.mask_block
        if share > 0 and not masked_blocks(self.latent_shape[1:], block, share):
            problem = f"leaves out no block of meanflow.mask_block {block} cells of {list(self.latent_shape[1:])}"
            raise ValueError(f"meanflow.mask_share {share:g} {problem}")
        if self.unet.factory is not None and self.training.activation_checkpointing != "none":
            raise ValueError("training.activation_checkpointing has no effect with unet.factory")
        return self
