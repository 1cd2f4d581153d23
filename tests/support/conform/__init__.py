"""Adapters for the tests of `neuromf conform`."""
