"""Adapters: each imports a public code from a checkout and hands it over. None of that code is here."""
