"""Samples of a trained run: drawn, decoded to volumes, and shown as a montage."""
