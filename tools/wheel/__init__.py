"""The wheel as a user has it."""
