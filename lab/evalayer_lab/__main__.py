"""`python -m evalayer_lab` is `evalayer`."""

from evalayer_lab.cli import main

main()
