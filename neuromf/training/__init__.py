"""The training loop: randomness, batches, optimiser, EMA, step, checkpoints."""
