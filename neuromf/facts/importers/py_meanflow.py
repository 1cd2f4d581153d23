"""Facts from a training of Gsunshine/py-meanflow at 1f6d72d: the options it is started with, and its defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

from neuromf.errors import InputError
from neuromf.facts.importers.py_meanflow_options import OPTIONS, Command, command_of, looks_like_command
from neuromf.facts.importers.read_file import ReadFile
from neuromf.facts.importers.reading import Collected, Keys
from neuromf.facts.read import FactsFile

REVISION = "Gsunshine/py-meanflow@1f6d72d"
DEFAULTS: Mapping[str, tuple[object, int]] = {
    "batch_size": (64, 17),
    "epochs": (4000, 18),
    "lr": (0.0006, 19),
    "optimizer_betas": ([0.9, 0.999], 20),
    "warmup_epochs": (200, 21),
    "ema_decay": (0.9999, 24),
    "ema_decays": ([0.99995, 0.9996], 25),
    "dataset": ("cifar10", 28),
    "ratio": (0.75, 55),
    "tr_sampler": ("v1", 57),
    "P_mean_t": (-0.6, 59),
    "P_std_t": (1.6, 60),
    "P_mean_r": (-4.0, 61),
    "P_std_r": (1.6, 62),
    "norm_p": (0.75, 64),
    "norm_eps": (1e-3, 65),
}
"""Defaults of the options that facts are made from, and the line of train_arg_parser.py that holds each."""
IMAGES = {"cifar10": 50_000, "mnist": 60_000}
"""Training images of the two data sets that this code knows, each of 3 x 32 x 32 numbers."""
FIXED: tuple[tuple[str, dict[str, object]], ...] = (
    ("models/model_configs.py:18, 3 x 32 x 32", {"latent_dims": 3 * 32 * 32, "token_dims": 3}),
    ("models/model_configs.py:23 x models/unet.py, 128 channels", {"token_width": 256}),
    ("models/meanflow.py:58, u against v", {"prediction": "u", "guidance": "none", "tangent_limit": "none"}),
    ("models/meanflow.py:60", {"reduction": "sum"}),
    ("models/meanflow.py:54, without autocast", {"loss_precision": "fp32"}),
    ("train.py:34 allows TF32", {"derivative_precision": "tf32"}),
    ("models/meanflow.py:55", {"derivative": "exact"}),
    ("models/unet.py:235, t as it is", {"time_scale": 1.0, "embedding_precision": "fp32"}),
    ("models/unet.py:134", {"qk_norm": False}),
    ("models/time_sampler.py:4", {"sampler_t_min": 0.0, "uniform_fraction": 0.0}),
    ("train.py:157", {"optimiser": "adam", "weight_decay": 0.0}),
    ("train.py:166", {"lr_schedule": "constant"}),
)
"""Facts that no option changes, with the place in the code."""
IRRELEVANT = (
    *("data_path", "output_dir", "device", "seed", "start_epoch", "eval_frequency", "num_workers", "log_per_step"),
    *("fid_samples", "compute_fid", "save_fid_samples", "pin_mem", "no_pin_mem", "not_compile", "compile"),
    *("world_size", "local_rank", "dist_on_itp", "dist_url", "rank", "gpu", "distributed", "dist_backend", "arch"),
)
"""Options of which laws ask nothing; world_size is one, for the launcher says how many processes there are."""


def fits(document: ReadFile) -> bool:
    """Whether a file holds options of this code: as JSON, or as they stand in a command."""
    if document.is_json:
        return document.tree is not None and any(name in OPTIONS for name in document.tree)
    return looks_like_command(document.text)


def read(documents: Sequence[ReadFile]) -> FactsFile:
    """Facts of one file of options.

    Raises:
        InputError: there are several files, or one that is no command.
    """
    document = documents[0]
    if len(documents) > 1:
        raise InputError("is a second file of options", remedy="give one", file=documents[1].path)
    if document.is_json and document.tree is not None:
        command = Command(options=dict(document.tree), processes=None, unknown=())
    else:
        command = command_of(document.text, document.path)
    given = Keys(document.path, {name: value for name, (value, _) in DEFAULTS.items()} | command.options)
    found = Collected(not_understood=list(command.unknown))
    for place, facts in FIXED:
        found.put(f"the code of {REVISION} ({place})", **facts)
    origins = {name: _origin(name, command) for name in DEFAULTS}
    _objective(given, found, origins)
    _times(given, found, origins)
    _optimiser(given, found, origins, command.processes)
    given.used.add("resume")
    if command.options.get("resume", "") == "":
        found.put(f"the code of {REVISION} (train.py:146)", initialised_from="scratch")
    else:
        found.not_understood.append("resume: what the run starts from is not in this file")
    found.put_none(f"the code of {REVISION} (models/meanflow.py:58)", "clamp_t_min")
    found.not_understood += [name for name in given.left(IRRELEVANT) if command.options.get(name) not in (None, False)]
    return found.file(document.path)


def _origin(name: str, command: Command) -> str:
    if name in command.options:
        return f"--{name}"
    return f"the default of --{name}, {REVISION} (train_arg_parser.py:{DEFAULTS[name][1]})"


def _objective(given: Keys, found: Collected, origins: Mapping[str, str]) -> None:
    for name in ("norm_p", "norm_eps"):
        found.put(origins[name], **{name: given.number(name)})


def _times(given: Keys, found: Collected, origins: Mapping[str, str]) -> None:
    first, second = (tuple(given.number(f"P_{part}_{time}") for part in ("mean", "std")) for time in "tr")
    clipped = given.word("tr_sampler", {"v0": "sorted", "v1": "clipped"})
    if clipped is None or None in (*first, *second):
        return
    found.put(origins["P_mean_t"], mu=first[0])
    found.put(origins["P_std_t"], sigma=first[1])
    found.put(origins["tr_sampler"], time_order=clipped)
    if first != second:
        found.put(origins["P_mean_r"], r_mu=second[0])
        found.put(origins["P_std_r"], r_sigma=second[1])
    ratio = given.number("ratio")
    if ratio is None:
        return
    unlike, how = 1.0, "1 - ratio, the share of r != t"
    if clipped == "clipped":
        unlike = _second_smaller(*first, *second)  # type: ignore[arg-type]
        how = f"{how}; of those {100 * (1 - unlike):.3g} % have r = t as well, cut to it (time_sampler.py:57)"
    found.put(f"{origins['ratio']}: {how}", data_proportion=round(1 - ratio * unlike, 9))


def _second_smaller(mean: float, deviation: float, r_mean: float, r_deviation: float) -> float:
    """P(r < t) of two logit-normal times: that of their logits, whose difference is normal."""
    spread = math.hypot(deviation, r_deviation)
    return NormalDist(mean - r_mean, spread).cdf(0.0) * -1 + 1 if spread > 0 else 0.0


def _optimiser(given: Keys, found: Collected, origins: Mapping[str, str], processes: int | None) -> None:
    found.put(origins["lr"], learning_rate=given.number("lr"))
    betas = given.get("optimizer_betas")
    if isinstance(betas, list) and len(betas) == 2:
        found.put(origins["optimizer_betas"], beta1=betas[0], beta2=betas[1])
    elif betas is not None:
        raise given.wrong("optimizer_betas", "two numbers")
    decay = given.number("ema_decay")
    found.put(f"{origins['ema_decay']}: its 16th power every 16th update (models/ema.py:13)", ema_decay=decay)
    found.notes.append(
        f"The average with ema_decay is judged; those of ema_decays, {given.get('ema_decays')}, are not."
    )
    dataset = given.word("dataset", {name: name for name in IMAGES})
    size, epochs, warmup = given.whole("batch_size"), given.whole("epochs"), given.number("warmup_epochs")
    if processes is None:
        found.notes.append("How many processes train is not said, so that the batch and the updates are not known.")
        return
    if size is None or epochs is None or warmup is None or dataset is None:
        return
    images = IMAGES[dataset]
    updates = math.ceil(images / processes) // size
    found.put(f"{origins['batch_size']} x {processes} processes of the launcher", batch_size=size * processes)
    if updates == 0:
        raise InputError("has no full batch in an epoch", remedy="give a smaller batch_size", file=given.path)
    count = f"x {updates} updates of an epoch, {images:,} images"
    found.put(f"{origins['epochs']} {count}", optimiser_steps=epochs * updates)
    found.put(f"{origins['warmup_epochs']} {count}", warmup_steps=math.floor(warmup * updates))
