"""The latents that a training reads: encoded, cached, frozen with the run."""
