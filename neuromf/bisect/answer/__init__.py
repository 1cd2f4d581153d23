"""What a bisect leaves: a JSON document, an evidence table, a configuration that breaks alone, and a test of it."""
