"""Runs on a SLURM cluster: the job script of a training that has passed the gate, its resources, its submission."""
