"""A MeanFlow trainer for 3D brain MRI, with the laws of its mathematics beside it."""

__version__ = "0.1.0"
