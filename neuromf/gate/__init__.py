"""The launch gate: may this configuration be run, and if not, which law does it break with which number."""
