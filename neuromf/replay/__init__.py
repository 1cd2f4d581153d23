"""The failed run again: from its recorded numbers, and trained anew at small scale."""
