"""What a bundle runs where neuromf is not installed; it needs torch, MONAI, numpy, nibabel and safetensors."""
