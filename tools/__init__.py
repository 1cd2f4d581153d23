"""What keeps neuromf in order, for a checkout: golden upkeep, faults, laws against the tree, performance, studies.

Nothing here is installed. `python -m tools --help` lists the commands.
"""
