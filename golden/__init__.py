"""Golden traces and recorded runs, as reviewable text."""
