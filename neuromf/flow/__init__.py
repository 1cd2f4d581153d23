"""The mathematics of MeanFlow as pure functions on tensors.

One convention everywhere: t = 0 is data, t = 1 is noise, 0 <= r <= t <= 1. Shape suffixes: B batch, C channel,
D depth, H height, W width; `z_BCDHW` is a batch of latents and `t_B` one time a sample.
"""
