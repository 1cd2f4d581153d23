"""From a folder of scans in any layout to one table: which scans there are, whose, and which of them to train on."""
