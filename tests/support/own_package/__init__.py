"""Code as a user would write it: networks and autoencoders that a configuration names by import path."""
