"""The launch gate: whether a configuration may be trained, and if not, which law it breaks with which number."""
