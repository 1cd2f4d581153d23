"""What MarioPasc/neuromf at 5506f8a fixes in code, which of its keys say nothing of training, and where it is known by.

Lines are those of that commit; of the laws' citations in `spec/neuromf_spec/sources.toml` some name the same ones.
"""

from __future__ import annotations


def code(place: str) -> str:
    """Origin of a fact that the code fixes and no file says."""
    return f"the code of MarioPasc/neuromf@5506f8a ({place})"


SIGNATURE = (
    ("meanflow", "jvp_strategy"),
    ("meanflow", "fd_step_size"),
    ("meanflow", "prediction_type"),
    ("unet", "prediction_type"),
    ("time_sampling", "distribution"),
    ("training", "accumulate_grad_batches"),
    ("training", "mixed_precision"),
    ("training", "max_epochs"),
)
"""Section and key, each of which tells a file of this code from one of another."""

FIXED: tuple[tuple[str, dict[str, object]], ...] = (
    ("wrappers/maisi_unet.py:31, _TIME_SCALE", {"time_scale": 1000.0}),
    ("wrappers/maisi_unet.py:54, float() before the sines", {"embedding_precision": "fp32"}),
    ("wrappers/maisi_unet.py:255, MONAI's attention", {"qk_norm": False}),
    ("wrappers/maisi_unet.py:7, random weights", {"initialised_from": "scratch"}),
    ("wrappers/meanflow_loss.py:204", {"target_clamped": False, "guidance": "none"}),
    ("wrappers/jvp_strategies.py:53", {"tangent_limit": "none"}),
    ("losses/lp_loss.py:34, powers and sums are float32 under autocast", {"loss_precision": "fp32"}),
    ("utils/time_sampler.py:66", {"time_order": "sorted", "uniform_fraction": 0.0}),
    ("models/latent_meanflow.py:326", {"optimiser": "adamw"}),
)
"""Facts that no key changes, with the place in the code."""

UNREAD = {"training.optimizer": "adamw", "time_sampling.distribution": "logit_normal"}
"""Keys that its files hold and its code never reads, with what it does whatever they say."""

OFF: dict[str, object] = {
    "meanflow.spatial_mask_ratio": 0.0,
    "meanflow.use_v_head": False,
    "unet.use_v_head": False,
    "training.augmentation.enabled": False,
    "unet.with_conditioning": False,
}
"""Keys that change the training and have no fact, with the value at which they change nothing."""

IRRELEVANT = (
    *("paths.", "hardware.", "vae.", "evaluation.", "diagnostics.", "sample_collector."),
    *("sample_every_n_epochs", "n_samples_per_log", "trainer.strategy", "trainer.accelerator"),
    *(f"training.{key}" for key in ("log_every_n_steps", "val_every_n_epochs", "save_every_n_epochs")),
    *(f"training.{key}" for key in ("num_workers", "prefetch_factor", "split_ratios", "split_ratio", "split_seed")),
    *("training.gradient_checkpointing", "training.divergence_grace_steps"),
    *(f"unet.{key}" for key in ("attention_levels", "num_res_blocks", "num_head_channels", "norm_num_groups")),
    *(f"unet.{key}" for key in ("resblock_updown", "transformer_num_layers", "gradient_checkpointing", "t_min")),
    "meanflow.lambda_mf",
)
"""Keys of which laws ask nothing: places, logs, the net's size, and those that the loss reads nowhere. A point at the
end stands for all keys that begin so."""
