"""A known distribution to learn: points of a flat torus in four dimensions, trained in seconds on a CPU.

Try a network, an objective or a setting on it before a long run: the distance of its samples from the torus and their
Wasserstein distance from the true distribution say at once whether the mathematics works.
"""
