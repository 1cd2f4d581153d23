"""HTML pages about gate verdicts and runs, with their charts, and what they are computed from."""
