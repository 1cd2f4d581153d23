"""The stages of a training step, each with the laws that check it and the configuration keys that it depends on."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.trace.columns import column_named


@dataclass(frozen=True)
class Stage:
    """One stage of an optimiser step.

    Attributes:
        name: as the trace's columns give it.
        what: what it computes, in a few words.
        laws: laws that hold it.
        keys: sections or keys of the configuration that set it.
    """

    name: str
    what: str
    laws: tuple[str, ...]
    keys: tuple[str, ...]


STAGES = {
    stage.name: stage
    for stage in (
        Stage("schedule", "the number of the step", ("LR-002",), ("training.epochs",)),
        Stage(
            "batch",
            "data, noise and times",
            ("DATA-001", "DATA-002", "BATCH-002"),
            ("data", "vae", "augmentation", "training.seed"),
        ),
        Stage("times", "the drawn (r, t)", ("TIME-001", "TIME-002", "TIME-003"), ("time_sampling",)),
        Stage("path", "the point z_t and the velocity e - x", ("PATH-001",), ()),
        Stage("forward", "the network", ("PRED-001", "PRED-002"), ("unet", "meanflow.prediction", "meanflow.t_min")),
        Stage(
            "derivative",
            "du/dt along the tangent",
            ("JVP-001", "JVP-003", "JVP-005", "JVP-006", "PREC-001"),
            (
                *("meanflow.jvp", "meanflow.fd_step", "meanflow.fd_scheme", "meanflow.tangent"),
                *("unet.time_scale", "training.precision", "meanflow.derivative_precision"),
            ),
        ),
        Stage("target", "v_c - (t - r) du/dt", ("ID-001", "ID-002"), ()),
        Stage("loss", "the raw loss", ("PRED-002", "LOSS-001", "LOSS-002"), ("meanflow.channel_weights",)),
        Stage(
            "weighting",
            "the adaptive weight and what is reported",
            ("WGT-001", "WGT-003", "WGT-004"),
            (
                *("meanflow.norm_eps", "meanflow.norm_p", "meanflow.reduction"),
                *("meanflow.loss_power", "meanflow.loss_terms", "meanflow.mask_share", "meanflow.mask_block"),
            ),
        ),
        Stage(
            "gradient",
            "the gradient before the clip",
            ("JVP-002", "WGT-001", "BATCH-002"),
            ("training.gradient_accumulation_steps", "training.gradient_clip"),
        ),
        Stage(
            "optimiser",
            "the learning rate and the update",
            ("LR-001", "LR-002", "OPT-001", "OPT-002"),
            (
                "training.learning_rate",
                "training.lr_schedule",
                "training.warmup_steps",
                "training.beta1",
                "training.beta2",
            ),
        ),
        Stage("ema", "the average of the weights", ("EMA-001",), ("ema.decay",)),
    )
}
"""Stages by name, in causal order."""
METRIC = Stage("metric", "what the loop itself tells", ("OBS-001",), ())
"""Of a column that only the loop of a user has."""


def stage_of(column: str) -> Stage:
    """The stage that computes a column of a trace; a name that no trace of ours has is a metric of a loop."""
    found = column_named(column)
    return METRIC if found is None else STAGES[found.stage]
