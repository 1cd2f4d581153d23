"""Checks of silent faults that run beside a training."""
