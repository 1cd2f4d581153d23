"""Networks: the velocity U-Net and the frozen autoencoder."""
