"""Keys that change what a validation measures: arms that differ in them have numbers of different meaning."""

from __future__ import annotations

from collections.abc import Iterable

from neuromf.errors import InputError
from neuromf.sweep.specification import Metric

SECTIONS = {
    "data": "the scans that are validated, or their latents",
    "vae": "the latents that are validated",
}
KEYS = {
    "time_sampling.mu": "the times of a validation",
    "time_sampling.sigma": "the times of a validation",
    "time_sampling.r_mu": "the times of a validation",
    "time_sampling.r_sigma": "the times of a validation",
    "time_sampling.uniform_fraction": "the times of a validation",
    "time_sampling.t_min": "the times of a validation",
    "meanflow.tangent": "the part of the loss that no network can lower",
    "meanflow.t_min": "the clamp that the loss is computed with",
    "meanflow.jvp": "how the validated derivative is computed",
    "meanflow.fd_step": "how the validated derivative is computed",
    "meanflow.fd_scheme": "how the validated derivative is computed",
    "training.validation_scans": "the scans that are validated",
    "training.validate_every_epochs": "when is validated, which the sweep decides",
}
IN_TOTAL = {
    "time_sampling.data_proportion": "the weights of FM and MF samples in val_total",
    "meanflow.loss_terms": "the terms of val_total",
}
"""Only for the total."""


def refuse_unlike(keys: Iterable[str], metric: Metric, file: str) -> None:
    """Refuse a sweep over a key that changes the meaning of its metric.

    Args:
        keys: in which the arms differ.
        metric: they are judged by.
        file: of the sweep, for the message.

    Raises:
        InputError: naming the first such key.
    """
    for key in sorted(keys):
        reason = KEYS.get(key) or SECTIONS.get(key.partition(".")[0])
        if reason is not None:
            remedy = "sweep it by the quality of samples instead (`neuromf evaluate`), or leave it out"
            raise InputError(f"changes {reason}, so {metric} of its arms cannot be compared", remedy=remedy, file=file,
                             key=key)  # fmt: skip
        if metric == "val_total" and key in IN_TOTAL:
            raise InputError(f"changes {IN_TOTAL[key]}", remedy="set `metric: val_mf`", file=file, key=key)
