"""What is made from the code and kept in the repository: `python -m tests.renew` makes it anew."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests import commands, messages

from evalayer_lab.report import json_schema

ROOT = Path(__file__).parents[1]
COMMAND = "python -m tests.renew"


def render_schema() -> str:
    """The JSON Schema of a report."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


MADE: Final[Mapping[Path, Callable[[], str]]] = {
    commands.PAGE: commands.render,
    messages.LIST: messages.render,
    ROOT / "docs" / "report.schema.json": render_schema,
}


def main() -> None:
    """Write the files, or with `--check` say which of them are out of step."""
    made = {path: render() for path, render in MADE.items()}
    old = [path for path, text in made.items() if path.read_text(encoding="utf-8") != text]
    for path in old:
        if "--check" in sys.argv[1:]:
            print(f"{path.relative_to(ROOT)} is out of step; to renew it, run: {COMMAND}", file=sys.stderr)
        else:
            path.write_text(made[path], encoding="utf-8")
    sys.exit(bool(old) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    main()
