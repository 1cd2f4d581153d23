"""`python -m neuromf`, as the `neuromf` command."""

from neuromf.cli.app import main

if __name__ == "__main__":
    main()
