"""Micro-batches: which samples, times and noise belong to a step, drawn here or by workers."""
