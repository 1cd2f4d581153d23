"""How often the static gate is right about runs whose outcome is published: `python -m tools.outcomes FOLDER`."""
