"""The trace: one row an optimiser step, the system of record of a run."""
