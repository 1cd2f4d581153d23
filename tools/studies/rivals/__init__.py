"""neuromf beside the public checkers of trainings, on one catalogue of faults: `golden/rivals`."""
