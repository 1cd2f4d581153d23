"""What a training computes on: the choice, its facts, and whether its arithmetic can be trusted."""
