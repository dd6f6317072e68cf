"""`python -m bruno` is the command line."""

from bruno.cli import main

main()
