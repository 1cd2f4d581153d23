"""How far samples are from what they should be like."""
