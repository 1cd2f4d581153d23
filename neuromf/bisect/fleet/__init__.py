"""Where probes are answered: processes on this machine (local.py) or array jobs of a SLURM cluster (slurm.py)."""
