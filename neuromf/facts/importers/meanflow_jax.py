"""Facts from the YAML of Gsunshine/meanflow at d70cb55, the official JAX code, and the defaults that lie under it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from neuromf.errors import InputError
from neuromf.facts.importers.read_file import ReadFile
from neuromf.facts.importers.reading import Collected, Keys
from neuromf.facts.read import FactsFile

REVISION = "Gsunshine/meanflow@d70cb55"
DEFAULTS: Mapping[str, tuple[object, int]] = {
    "dataset.name": ("imgnet_latent", 15),
    "dataset.image_size": (32, 23),
    "dataset.image_channels": (4, 24),
    "training.learning_rate": (0.0001, 32),
    "training.batch_size": (256, 33),
    "training.num_epochs": (1000, 35),
    "training.adam_b2": (0.95, 44),
    "training.ema_val": (0.9999, 45),
    "method.noise_dist": ("logit_normal", 52),
    "method.P_mean": (-0.4, 53),
    "method.P_std": (1.0, 54),
    "method.data_proportion": (0.75, 57),
    "method.guidance_eq": ("cfg", 61),
    "method.omega": (1.0, 62),
    "method.kappa": (0.5, 63),
    "method.norm_p": (1.0, 70),
    "method.norm_eps": (0.01, 71),
    "model.cls": ("DiT_B_4", 76),
}
"""Defaults of the keys that facts are made from, and the line of configs/default.py that holds each."""
WIDTHS = {"XL": 1152, "L": 1024, "M": 1024, "B": 768, "S": 384}
"""Features of a token by the size in a model's name (models/models_dit.py:286)."""
CHANNELS = 4
"""Channels that the net puts out (models/models_dit.py:167)."""
IMAGES = {"imgnet_latent": 1_281_167, "cifar10": 50_000}
"""Training images of ILSVRC 2012 and of CIFAR-10."""
FIXED: tuple[tuple[str, dict[str, object]], ...] = (
    ("meanflow.py:235, u against v", {"prediction": "u", "tangent_limit": "none"}),
    ("meanflow.py:239", {"reduction": "sum"}),
    ("meanflow.py:62", {"loss_precision": "fp32"}),
    ("meanflow.py:231", {"derivative": "exact"}),
    ("models/models_dit.py:61", {"time_scale": 1.0, "embedding_precision": "fp32"}),
    ("models/timm_models.py:54", {"qk_norm": False}),
    ("meanflow.py:150", {"time_order": "sorted", "sampler_t_min": 0.0}),
    ("train.py:72, optax.adamw", {"optimiser": "adamw", "beta1": 0.9, "weight_decay": 0.0}),
    ("train.py:237", {"lr_schedule": "constant", "warmup_steps": 0}),
)
"""Facts that no key changes, with the place in the code."""
IRRELEVANT = (
    *("sampling.", "fid.", "eval_only"),
    *(f"dataset.{key}" for key in ("root", "num_workers", "prefetch_factor", "pin_memory", "cache", "vae")),
    *(f"training.{key}" for key in ("log_per_step", "sample_per_epoch", "sample_on_training", "seed")),
    *(f"training.{key}" for key in ("checkpoint_per_epoch", "fid_per_epoch")),
)
"""Keys of which laws ask nothing: places, logs, samples. A point at the end stands for all keys that begin so."""


def fits(document: ReadFile) -> bool:
    """Whether a file names a net as this code does, or has its section of the method."""
    tree = document.tree or {}
    model, method = tree.get("model"), tree.get("method")
    named = isinstance(model, dict) and str(model.get("cls", "")).startswith("DiT_")
    return named or (isinstance(method, dict) and any(f"method.{key}" in DEFAULTS for key in method))


def read(documents: Sequence[ReadFile]) -> FactsFile:
    """Facts of one configuration.

    Raises:
        InputError: there are several files, or one that is no YAML mapping.
    """
    document = documents[0]
    if len(documents) > 1:
        raise InputError(
            "is a second configuration, and this code takes one", remedy="give one", file=documents[1].path
        )
    if document.tree is None:
        raise document.problem or InputError("is no mapping", remedy="give that code's YAML", file=document.path)
    written = dict(_leaves(document.tree))
    keys = Keys(document.path, {name: value for name, (value, _) in DEFAULTS.items()} | written)
    found = Collected()
    for place, facts in FIXED:
        found.put(f"the code of {REVISION} ({place})", **facts)
    found.put_none(f"the code of {REVISION} (meanflow.py:235)", "clamp_t_min")
    origins = {
        name: name if name in written else f"the default of {name}, {REVISION} (configs/default.py:{line})"
        for name, (_, line) in DEFAULTS.items()
    }
    for part in (_net, _method, _times, _training):
        part(keys, found, origins)
    found.not_understood += [name for name in keys.left(IRRELEVANT) if name in written]
    return found.file(document.path)


def _leaves(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _net(keys: Keys, found: Collected, origins: Mapping[str, str]) -> None:
    edge, channels = keys.whole("dataset.image_size"), keys.whole("dataset.image_channels")
    if edge is not None and channels is not None:
        found.put(f"{origins['dataset.image_size']}, squared, x image_channels", latent_dims=edge**2 * channels)
    match = re.fullmatch(r"DiT_(XL|L|M|B|S)_(2|4|8)", str(keys.get("model.cls")))
    if match is None:
        raise keys.wrong("model.cls", "one of DiT_B_4 and the like")
    size, patch = match[1], int(match[2])
    found.put(origins["model.cls"], token_dims=patch**2 * CHANNELS, token_width=WIDTHS[size])


def _method(keys: Keys, found: Collected, origins: Mapping[str, str]) -> None:
    for name in ("norm_p", "norm_eps"):
        found.put(origins[f"method.{name}"], **{name: keys.number(f"method.{name}")})
    equation, omega, kappa = keys.get("method.guidance_eq"), keys.number("method.omega"), keys.number("method.kappa")
    guided = equation == "cfg" and (omega, kappa) != (1, 0)
    origin = f"{origins['method.guidance_eq']}, method.omega, method.kappa"
    found.put(origin, guidance="from_start" if guided else "none")
    if keys.get("load_from") is None:
        found.put(f"the code of {REVISION} (train.py:239)", initialised_from="scratch")
    else:
        found.not_understood.append("load_from: what the run starts from is not in this file")


def _times(keys: Keys, found: Collected, origins: Mapping[str, str]) -> None:
    found.put(origins["method.data_proportion"], data_proportion=keys.number("method.data_proportion"))
    mean, deviation = keys.number("method.P_mean"), keys.number("method.P_std")
    if keys.get("method.noise_dist") == "logit_normal":
        found.put(origins["method.P_mean"], mu=mean)
        found.put(origins["method.P_std"], sigma=deviation)
        found.put(origins["method.noise_dist"], uniform_fraction=0.0)
    else:
        found.not_understood.append("method.noise_dist: facts know logit-normal times alone")


def _training(keys: Keys, found: Collected, origins: Mapping[str, str]) -> None:
    names = {"learning_rate": "learning_rate", "beta2": "adam_b2", "ema_decay": "ema_val", "batch_size": "batch_size"}
    for fact, key in names.items():
        found.put(origins[f"training.{key}"], **{fact: keys.number(f"training.{key}")})
    if keys.get("training.ema_type") not in (None, "const"):
        raise keys.wrong("training.ema_type", "const, the only one of that code")
    size, epochs, images = (
        keys.whole("training.batch_size"),
        keys.whole("training.num_epochs"),
        keys.get("dataset.name"),
    )
    if size is not None and epochs is not None and images in IMAGES:
        updates = IMAGES[str(images)] // size
        origin = f"{origins['training.num_epochs']} x {updates} updates of an epoch, {IMAGES[str(images)]:,} images"
        found.put(origin, optimiser_steps=epochs * updates)
    else:
        found.not_understood.append("dataset.name: the number of its images, and so of updates, is not known")
    found.notes.append(
        "The precision of products inside the derivative is that of the machine, which no file says (bf16 on a TPU)."
    )
