"""What the losses of any loop can show besides a climb."""
