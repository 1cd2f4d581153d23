"""Which of the changed keys broke the run: group testing with a noisy, expensive oracle."""
