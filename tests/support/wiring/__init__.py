"""What each place that reads a setting decides: small scenarios, other values, and the reads themselves."""
