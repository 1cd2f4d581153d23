"""The fault catalogue: known faults put back into our code one at a time, each of which a named test must notice."""
