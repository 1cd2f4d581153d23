"""Which commit moved the numbers of a golden case."""
