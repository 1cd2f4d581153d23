"""Validation: the averaged weights' loss on scans that are not trained on, and what follows from it."""
