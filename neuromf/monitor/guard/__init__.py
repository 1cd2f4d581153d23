"""The divergence guard and its three detectors."""
