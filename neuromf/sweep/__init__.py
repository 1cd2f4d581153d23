"""Sweeps: many configurations with paired seeds, judged by their validation.

`specification` reads the file, `arms` makes its configurations, `yardstick` refuses what cannot be compared, `jobs` and
`slurm_jobs` run the commands, `training` is one training as far as a rung, `journal` keeps what is known in Optuna's
storage, `halving` drops arms, `session` drives, `differences` compares, `result` writes.
"""
