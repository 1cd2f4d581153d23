"""What is measured of samples beside real scans: pure functions of arrays."""
