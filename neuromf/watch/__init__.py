"""A run as it is seen from outside while it is being written."""
