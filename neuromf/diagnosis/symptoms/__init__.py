"""Signs of a fault, one family per module; each compares a number of the record with a calibrated range."""
