"""Symptoms: one family of signs a file, each a reading of a record against a calibrated range."""
