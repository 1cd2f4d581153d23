"""The `neuromf` command: one module a command; arguments in, library calls, text out."""
