"""The processes that share a training: their places, what they agree on, how they start and are stopped."""
