"""The guard inside other libraries' trainers; each module imports its own library and nothing else does."""
