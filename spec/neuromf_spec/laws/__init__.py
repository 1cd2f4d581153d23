"""The laws, one family a module. Standard library only: the static gate imports them at every launch."""
