"""One-step truth: a small network is trained with a code's own loss where the right samples are known."""
