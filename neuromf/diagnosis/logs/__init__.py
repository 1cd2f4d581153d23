"""What a log of any training says: whether something is wrong, since when, why, and who could have seen it."""
