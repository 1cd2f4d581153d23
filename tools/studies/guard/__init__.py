"""How often the divergence guard is wrong, and how early it is right: by simulation and by real trainings."""
