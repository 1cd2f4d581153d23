"""Training of the small autoencoder that ships with neuromf."""
