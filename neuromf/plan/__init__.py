"""What a run would cost before it is launched: memory, time, disk, from its configuration alone."""
