"""One module a kind of log; each says whether a path is of its kind and reads it."""
