"""Networks that turn a volume into a few numbers: the user's own, or the one that ships."""
