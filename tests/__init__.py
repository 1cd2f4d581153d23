"""Tests of neuromf; what several of them share is in `tests.support`."""
