"""The command line."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with its code; without the lab's libraries, say how to install them."""
    try:
        from evalayer_lab.cli._main import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("evalayer"):
            raise
        sys.stderr.write(f'Error: the command line needs {error.name}: pip install "evalayer[lab]"\n')
        sys.exit(2)
    run()


__all__ = ["main"]
