"""Fixtures of tests that train on real latents."""

from tests.support.tiny_fixtures import _one_thread, real_latents, tiny_config

__all__ = ["_one_thread", "real_latents", "tiny_config"]
