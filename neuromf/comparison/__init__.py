"""Comparison of two traces: where they differ first, and what that means."""
