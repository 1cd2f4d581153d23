"""One module a command: arguments in, library calls, text out."""
