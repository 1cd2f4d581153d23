"""Watches a run from another process while it trains, by reading its files (`neuromf watch`)."""
