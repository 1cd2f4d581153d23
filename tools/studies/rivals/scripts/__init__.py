"""The two loops, as scripts that a fault changes by its text; they import torch and numpy alone."""
