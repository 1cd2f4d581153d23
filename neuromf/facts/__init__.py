"""The plain numbers that laws ask for: of our own configuration, or of another code's, written down by hand."""
