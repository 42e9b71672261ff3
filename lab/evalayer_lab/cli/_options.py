"""The options that several commands have, and how they print JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

PATH: Final = click.Path(path_type=Path)

as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
region: Final = click.option("--region", help="The AWS region.  [default: that of the AWS configuration]")


def layers(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The built layers, and where they are looked for when they are not given."""
    text = f"A built layer, a folder or a zip; repeat it in merge order.  [default: {default}]"
    return click.option("--layer", "layers", type=PATH, multiple=True, help=text)


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON does not know, such as a path or a time, is its text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
