"""A SLURM of two nodes on this machine, and what neuromf's jobs do on it."""
