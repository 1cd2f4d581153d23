"""What is asked of a training: `divergence` by default, a golden trace, a law, or a column of the trace.

Each oracle is a function of a `Task` (task.py) alone, so that any process on any machine can answer it; `table.py`
knows them by name.
"""
