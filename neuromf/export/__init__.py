"""Takes a trained run out of neuromf: weights with their story, programs of torch, a bundle that MONAI runs."""
