"""What is made from the code is in step with it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_what_is_made_from_the_code_is_in_step() -> None:
    # In a process of its own: click keeps the help option of a command as another test first asked for it.
    command = [sys.executable, "-m", "tests.renew", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
