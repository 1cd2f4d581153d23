"""The registry of laws seen from the outside: who enforces what, and whether that is still true."""
