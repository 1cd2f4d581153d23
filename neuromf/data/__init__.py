"""Volumes in, normalised latents out: NIfTI, demonstration cohort, preprocessing, splits, latent store."""
