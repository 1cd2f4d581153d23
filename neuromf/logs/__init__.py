"""Logs of any training, read into one form: columns over steps, each with where it was read."""
