"""The executable specification: what must be true of the code, of a configuration and of a run.

`registry` and `laws` use the standard library alone; `reference` adds numpy and scipy. Nothing here imports torch or
the trainer, so that an error in the trainer cannot also be an error in what judges it.
"""
