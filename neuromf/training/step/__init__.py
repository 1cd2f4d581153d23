"""One optimiser step: the state, the loss, the update, the numbers that it leaves behind."""
