"""What laws ask of a training run, as plain numbers that any MeanFlow code can give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neuromf.config.schema import ConfigSection, NonNegative, Positive, UnitInterval

Precision = Literal["fp16", "bf16", "tf32", "fp32", "fp64"]
Number = Annotated[int, Field(ge=1, le=10**15)]
Logit = Annotated[float, Field(ge=-100, le=100)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class Facts(ConfigSection):
    """One run. A fact that is left out is not known, and the laws that need it are not judged.

    Where a key may be null, null says that the run has none: no average, no clamp, no limit.
    """

    # what is trained
    latent_dims: Number | None = Field(None, description="numbers in one sample")
    token_dims: Number | None = Field(None, description="numbers that one token, patch or position puts out")
    token_width: Number | None = Field(None, description="features from which they are put out")
    initialised_from: Literal["scratch", "flow_matching", "meanflow"] | None = Field(
        None, description="where the first weights come from"
    )
    guidance: Literal["none", "from_start", "later"] | None = Field(
        None, description="classifier-free guidance inside the loss"
    )
    # the objective
    prediction: Literal["u", "x"] | None = Field(None, description="what the net puts out")
    clamp_t_min: Annotated[float, Field(gt=0, lt=1)] | None = Field(None, description="smallest t in 1/t; null: none")
    target_clamped: bool | None = Field(None, description="whether the target is divided by the same clamped t")
    reduction: Literal["mean", "sum"] | None = Field(None, description="of the squared error over a sample's numbers")
    norm_eps: Positive | None = Field(None, description="c of the adaptive weight (L + c)^-p, in the unit of L")
    norm_p: NonNegative | None = Field(None, description="p of the adaptive weight; 0: no weight")
    loss_precision: Precision | None = Field(None, description="in which the squared error is reduced")
    # the derivative du/dt
    derivative: Literal["exact", "forward", "central"] | None = Field(
        None, description="forward-mode derivative, or a finite difference"
    )
    difference_step: Positive | None = Field(None, description="step of the finite difference in t")
    derivative_precision: Precision | None = Field(None, description="of the network's passes for du/dt")
    tangent_limit: Literal["none", "clipped", "normalised"] | None = Field(
        None, description="whether du/dt, or the target's change, is limited in size"
    )
    # the time embedding
    time_scale: Positive | None = Field(None, description="factor on t before the sines and cosines")
    embedding_precision: Precision | None = Field(None, description="in which the scaled time is kept")
    qk_norm: bool | None = Field(None, description="whether queries and keys are normalised")
    # the times
    mu: Logit | None = Field(None, description="mean of the logits of t")
    sigma: Positive | None = Field(None, description="standard deviation of the logits of t")
    r_mu: Logit | None = Field(None, description="mean of the logits of a pair's second time, where it has its own")
    r_sigma: Positive | None = Field(None, description="standard deviation of its logits, likewise")
    time_order: Literal["sorted", "clipped"] | None = Field(
        None, description="how r <= t is reached: t is the larger of the two draws, or r is cut down to t"
    )
    uniform_fraction: UnitInterval | None = Field(None, description="share of MF samples whose pair is uniform")
    sampler_t_min: Annotated[float, Field(ge=0, lt=1)] | None = Field(None, description="smallest t that is drawn")
    data_proportion: UnitInterval | None = Field(None, description="share of samples with r = t")
    # the optimiser
    batch_size: Number | None = Field(None, description="samples of one update, over all devices and micro-batches")
    optimiser_steps: Number | None = Field(None, description="updates of the whole run")
    optimiser: str | None = Field(None, description="its name; adam, adamw and the like have beta1 and beta2")
    learning_rate: Positive | None = Field(None, description="after the warm-up")
    lr_schedule: Literal["constant", "cosine", "linear"] | None = Field(None, description="after the warm-up")
    warmup_steps: Annotated[int, Field(ge=0, le=10**12)] | None = Field(None, description="updates of the rise")
    beta1: Decay | None = Field(None, description="decay of the gradient's average")
    beta2: Decay | None = Field(None, description="decay of the squared gradient's average")
    weight_decay: NonNegative | None = Field(None, description="of every parameter")
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="share of the average that stays at each update; null: no average is kept"
    )

    @property
    def pair_lacks(self) -> list[str]:
        """What is not known of the distribution of a pair; laws integrate over two draws that are sorted.

        Without a word on it both draws are alike and sorted, as MeanFlow publishes them.
        """
        if self.time_order == "clipped":
            return ["integrals over an r that is cut down to t"]
        if self.r_mu in (None, self.mu) and self.r_sigma in (None, self.sigma):
            return []
        return [name for name in ("r_mu", "r_sigma", "time_order") if not self.given(name)]

    def given(self, name: str) -> bool:
        """Whether a fact is known; null is known of a key that may say that there is none."""
        return getattr(self, name) is not None or (name in NONE_IS_KNOWN and name in self.model_fields_set)


NONE_IS_KNOWN = ("clamp_t_min", "ema_decay")
"""Keys whose null says that the run has none."""
