"""Configurations of the shape that the public code reads, in our own words and with its published values."""

from pathlib import Path

BASE = """\
paths:
  results_root: /somewhere
"""
MAIN = """\
trainer: {devices: 1, strategy: auto, accelerator: auto}
unet:
  spatial_dims: 3
  in_channels: 4
  out_channels: 4
  channels: [64, 128]
  num_res_blocks: 2
  prediction_type: x
  t_min: 0.05
training:
  batch_size: 24
  lr: 1.0e-4
  weight_decay: 0
  optimizer: adamw
  betas: [0.9, 0.95]
  max_epochs: 1500
  warmup_steps: 0
  lr_schedule: cosine
  mixed_precision: bf16
  log_every_n_steps: 50
  augmentation: {enabled: false, transforms: {flip_d: {prob: 0.5}}}
meanflow:
  p: 2.0
  adaptive: true
  norm_eps: 1.0
  lambda_mf: 1.0
  prediction_type: ${unet.prediction_type}
  t_min: 0.05
  jvp_strategy: exact
  fd_step_size: 1.0e-3
  channel_weights: null
  norm_p: 1.0
  spatial_mask_ratio: 0.0
time_sampling: {distribution: logit_normal, mu: -0.4, sigma: 1.0, t_min: 0.001, data_proportion: 0.5}
ema: {decay: 0.9999}
latent_spatial_size: 48
vae: {norm_eps: 1.0e-6}
paths:
  logs_dir: ${paths.results_root}/logs
"""
CLUSTER = """\
trainer: {devices: 4}
training: {batch_size: 2, accumulate_grad_batches: 16}
"""
DIFFERENCE = """\
unet: {prediction_type: u}
meanflow: {jvp_strategy: finite_difference}
trainer: {devices: 2}
training: {batch_size: 16, accumulate_grad_batches: 4}
"""


def checkout(folder: Path, main: str = MAIN) -> Path:
    """A folder laid out as that code's repository; returns its main configuration."""
    for name, text in (("base", BASE), ("train_meanflow", main)):
        for place in ("configs", "configs/cluster"):
            (folder / place).mkdir(parents=True, exist_ok=True)
            written = CLUSTER if (name, place) == ("train_meanflow", "configs/cluster") else text
            (folder / place / f"{name}.yaml").write_text(written)
    (folder / "difference.yaml").write_text(DIFFERENCE)
    return folder / "configs/train_meanflow.yaml"
