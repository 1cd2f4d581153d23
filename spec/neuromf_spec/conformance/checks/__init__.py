"""Checks: each turns a code on the bench into results of one law or two that hang together."""
