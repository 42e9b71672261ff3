"""What the commands that read results share: their options, and reading with a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from evalayer_lab.cli._console import LEVEL, Names

if TYPE_CHECKING:
    from evalayer_lab.report import Document
    from evalayer_lab.results import Results

F = TypeVar("F", bound=Callable[..., Any])

with_level: Final = click.option(
    "--level",
    type=LEVEL,
    default=0.95,
    show_default=True,
    help="The confidence level of intervals and promises.",
)
_OPTIONS: Final = (
    click.option("--metric", metavar="NAME", help="The metric to look into.  [default: a classification]"),
    click.option(
        "--confidence",
        type=Names("evalayer_lab.answers", "CONFIDENCE_KINDS"),
        default="joint",
        show_default=True,
        help="How a row's confidence is taken from the tokens of its label.",
    ),
    click.option("--field", metavar="NAME", help="The JSON field that holds the label.  [default: found out]"),
    with_level,
    click.option("--data", type=click.Path(path_type=Path), help="The dataset, to find missing rows and metadata."),
    click.option("--partial", is_flag=True, help="Read what can be read of a damaged output, and say what could not."),
)


def with_options(command: F) -> F:
    """Give a command the options of `read`, and those that choose what is looked into."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read(output: str, field: str | None = None, data: Path | None = None, *, partial: bool = False) -> Results:
    """Read the results of a run, with a progress bar where that takes time."""
    from evalayer_lab.cli._console import progress
    from evalayer_lab.results import read_results

    with progress("rows") as advance:
        before = 0

        def show(done: int, total: int) -> None:
            nonlocal before
            advance(done - before)
            before = done

        return read_results(output, field=field, dataset=data, partial=partial, on_progress=show)


def write_html(document: Document, path: Path) -> None:
    """Write a report to one file; its folder is made if need be.

    Raises:
        InputError: the file cannot be written.
    """
    from evalayer_lab.inputs import writing
    from evalayer_lab.report.html import render_html

    page = render_html(document)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
