"""What is made from the code is in step with it."""

from pathlib import Path

import pytest
from tests.renew import COMMAND, MADE


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_what_is_made_from_the_code_is_in_step(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == MADE[path](), f"to renew it, run: {COMMAND}"
