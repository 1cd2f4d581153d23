"""Silent faults of any torch loop: what no loss shows."""
