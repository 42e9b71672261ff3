"""The terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.console import Console

    from evalayer_lab.inputs import Finding

_COLOURS: Final = {"error": "red", "warning": "yellow", "skipped": "cyan", "ok": "green"}


def console() -> Console:
    """Standard output, in colour and as wide as it is on a terminal, plain in a pipe."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=False)


def print_findings(findings: Iterable[Finding], *, err: bool = False) -> None:
    """Print each finding as `severity: path:line: field: reason [code]`, and below it what to do, if it says so."""
    for finding in findings:
        severity = click.style(finding.severity, fg=_COLOURS[finding.severity])
        click.echo(f"{severity}: {finding} [{finding.code}]", err=err)
        if finding.fix is not None:
            click.echo(f"  fix: {finding.fix}", err=err)


@contextmanager
def progress(unit: str) -> Iterator[Callable[[int], None]]:
    """Show how many units are done, on standard error and only on a terminal; gives the function to count with."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} " + unit),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(unit, total=None, rate="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            speed = bar.tasks[0].speed
            bar.update(task, rate="" if speed is None else f"{speed:,.0f}/s")

        yield advance


class Names(click.ParamType):
    """As `click.Choice`, of names that a room knows; the room is imported when they are needed.

    Args:
        room: the module.
        names: its sequence or mapping of the names.
    """

    name = "choice"

    def __init__(self, room: str, names: str) -> None:
        self._room = room
        self._names = names

    def _choice(self) -> click.Choice:
        return click.Choice(list(getattr(import_module(self._room), self._names)))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Find the name."""
        found: str = self._choice().convert(value, param, ctx)
        return found

    def get_metavar(self, param: click.Parameter, *context: Any) -> str | None:
        """List the names."""
        return self._choice().get_metavar(param, *context)  # click 8.2 gives the context too


class FiniteRange(click.FloatRange):
    """As `click.FloatRange`, without `nan` and `inf`, which no bound keeps out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


def counted(number: int, noun: str) -> str:
    """A number of things, as `1 row` or `2,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


POSITIVE = FiniteRange(0, min_open=True)
SHARE = FiniteRange(0, 1, min_open=True, max_open=True)
LEVEL = FiniteRange(0.51, 0.9999)
