"""What a record of a run points to: symptoms read from its numbers, and the causes that explain them."""
