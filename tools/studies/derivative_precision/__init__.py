"""Paired trainings with du/dt in float32, TF32 and bfloat16: `golden/derivative_precision/trainings.csv`."""
