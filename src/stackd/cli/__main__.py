"""`python -m stackd.cli` is `stackd`."""

from stackd.cli.main import main

main()
