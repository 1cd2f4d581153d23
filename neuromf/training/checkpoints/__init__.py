"""Checkpoints: written whole, kept or pruned, read back."""
