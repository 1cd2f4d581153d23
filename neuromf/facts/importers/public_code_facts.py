"""Facts of one merged configuration of MarioPasc/neuromf at 5506f8a."""

from __future__ import annotations

import math

from neuromf.facts.importers.public_code_keys import UNREAD, code
from neuromf.facts.importers.reading import Collected, Keys

PRECISIONS = {
    **dict.fromkeys(("bf16", "bf16-mixed"), "bf16"),
    **dict.fromkeys(("fp16", "fp16-mixed"), "fp16"),
    **dict.fromkeys(("fp32", "32"), "tf32"),
}


def _net(keys: Keys, found: Collected) -> None:
    channels = keys.whole("unet.in_channels")
    dimensions = keys.whole("unet.spatial_dims") or 3
    edge = keys.whole("latent_spatial_size")
    if channels is not None:
        where = "latent_spatial_size" if edge else f"its default {code('models/latent_meanflow.py:80')}"
        origin = f"unet.in_channels x {where} ^ unet.spatial_dims"
        found.put(origin, latent_dims=channels * (edge or 48) ** min(dimensions, 4))
        found.notes.append("The latents on disk are taken to be as large as the samples, latent_spatial_size.")
    found.put("unet.out_channels", token_dims=keys.whole("unet.out_channels"))
    widths = keys.get("unet.channels")
    if isinstance(widths, list) and widths and isinstance(widths[0], int):
        found.put("unet.channels[0]", token_width=widths[0])


def _objective(keys: Keys, found: Collected) -> None:
    prediction = keys.word("meanflow.prediction_type", {"x": "x", "u": "u"})
    found.put("meanflow.prediction_type", prediction=prediction)
    if prediction is not None and keys.get("unet.prediction_type") not in (None, prediction):
        found.not_understood.append("unet.prediction_type: the loss reads meanflow.prediction_type, which is another")
    clamp = keys.number("meanflow.t_min")
    if prediction == "u":
        found.put_none(code("wrappers/meanflow_loss.py:106"), "clamp_t_min")
    else:
        found.put("meanflow.t_min", clamp_t_min=clamp)
    power = keys.number("meanflow.norm_p")
    where = code("models/latent_meanflow.py:63") if power is None else "meanflow.norm_p"
    adaptive = keys.flag("meanflow.adaptive")
    found.put("meanflow.adaptive", norm_p=0.0) if adaptive is False else found.put(
        where, norm_p=1.0 if power is None else power
    )
    if _plain_loss(keys, found):
        found.put(code("losses/lp_loss.py:48"), reduction="sum")
        found.put("meanflow.norm_eps", norm_eps=keys.number("meanflow.norm_eps"))


def _plain_loss(keys: Keys, found: Collected) -> bool:
    """Whether the loss is the squared error, every channel alike: the only one whose size is known."""
    keys.used.add("meanflow.norm_eps")
    power, weights = keys.number("meanflow.p"), keys.get("meanflow.channel_weights")
    if power not in (None, 2):
        found.not_understood.append(f"meanflow.p: what a loss of power {power:g} comes to is not known")
    if weights:
        found.not_understood.append("meanflow.channel_weights: what a weighted loss comes to is not known")
    return power in (None, 2) and not weights


def _derivative(keys: Keys, found: Collected) -> None:
    known = {"exact": "exact", "finite_difference": "forward"}
    derivative, step = keys.word("meanflow.jvp_strategy", known), keys.number("meanflow.fd_step_size")
    found.put("meanflow.jvp_strategy", derivative=derivative)
    if derivative == "forward":
        found.put("meanflow.fd_step_size", difference_step=step)
    written = keys.get("training.mixed_precision")
    precision = PRECISIONS.get(str(written))
    if precision is not None:
        allowed = f", {code('train.py:247 allows TF32')}" if precision == "tf32" else ""
        found.put(f"training.mixed_precision{allowed}", derivative_precision=precision)
    elif "training.mixed_precision" in keys.values:
        found.put(f"{written!r} is bf16 to {code('train.py, precision_map')}", derivative_precision="bf16")


def _times(keys: Keys, found: Collected) -> None:
    times = {"mu": "mu", "sigma": "sigma", "sampler_t_min": "t_min"}
    for fact, key in times.items():
        found.put(f"time_sampling.{key}", **{fact: keys.number(f"time_sampling.{key}")})
    share, size = keys.number("time_sampling.data_proportion"), keys.whole("training.batch_size")
    if share is not None and size is not None and 0 <= share <= 1:
        # int() of that code, a micro-batch at a time: half of one sample is none.
        kept = math.floor(size * share) / size
        where = code("utils/time_sampler.py:70")
        found.put(f"time_sampling.data_proportion, of {size} samples at a time: {where}", data_proportion=kept)
    else:
        found.put("time_sampling.data_proportion", data_proportion=share)


def _optimiser(keys: Keys, found: Collected) -> None:
    size = keys.whole("training.batch_size")
    devices, micro = keys.whole("trainer.devices") or 1, keys.whole("training.accumulate_grad_batches") or 1
    if size is not None:
        origin = "training.batch_size x trainer.devices x training.accumulate_grad_batches"
        found.put(origin, batch_size=size * devices * micro)
    for fact, key in (("learning_rate", "lr"), ("weight_decay", "weight_decay")):
        found.put(f"training.{key}", **{fact: keys.number(f"training.{key}")})
    warmup = keys.number("training.warmup_steps")
    found.put("training.warmup_steps", warmup_steps=None if warmup is None else math.floor(warmup))
    schedule = keys.word("training.lr_schedule", {word: word for word in ("constant", "cosine", "linear")})
    where = code("models/latent_meanflow.py:335") if schedule is None else "training.lr_schedule"
    found.put(where, lr_schedule=schedule or "cosine")
    betas = keys.get("training.betas")
    if isinstance(betas, list) and len(betas) == 2:
        found.put("training.betas", beta1=betas[0], beta2=betas[1])
    elif betas is not None:
        raise keys.wrong("training.betas", "a list of two numbers")
    decay = keys.number("ema.decay")
    if decay is not None:
        where = code("models/latent_meanflow.py:265, once a micro-batch")
        found.put(f"ema.decay to the power {micro}: {where}", ema_decay=decay**micro if 0 < decay < 1 else decay)
    for key, read_instead in UNREAD.items():
        value = keys.get(key)
        if value not in (None, read_instead):
            found.not_understood.append(f"{key}: that code reads it nowhere and takes {read_instead}")


PARTS = (_net, _objective, _derivative, _times, _optimiser)
"""Each adds the facts of one part of the configuration."""
