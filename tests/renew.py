"""What is made from the code and kept in the repository: `python -m tests.renew` makes it anew."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests import commands, messages

from evalayer_lab.report import Document

ROOT = Path(__file__).parents[1]
COMMAND = "python -m tests.renew"


def render_schema() -> str:
    """The JSON Schema of a report."""
    return json.dumps(Document.model_json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"


MADE: Final[Mapping[Path, Callable[[], str]]] = {
    commands.PAGE: commands.render,
    messages.LIST: messages.render,
    ROOT / "docs" / "report.schema.json": render_schema,
}


if __name__ == "__main__":
    for path, render in MADE.items():
        path.write_text(render(), encoding="utf-8")
