"""Fixtures of tests that train on real latents."""

from tiny_fixtures import _one_thread, real_latents, tiny_config

__all__ = ["_one_thread", "real_latents", "tiny_config"]
