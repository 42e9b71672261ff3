"""What the commands of `evalayer dataset` print alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from evalayer_lab.cli._console import Names, counted, print_findings

if TYPE_CHECKING:
    from evalayer_lab.dataset import Conversion, DatasetReport, Enrichment, MetadataKey, Sampling

    Done: TypeAlias = Conversion | DatasetReport | Enrichment | Sampling

KINDS: Final = Names("evalayer_lab.dataset", "KINDS")
_SHOWN_VALUES: Final = 6

max_problems = click.option(
    "--max-problems", type=click.IntRange(min=0), default=20, show_default=True, help="How many findings to print."
)
out = click.option("--out", required=True, type=click.Path(), metavar="FILE", help="The file to write.")
overwrite = click.option("--overwrite", is_flag=True, help="Replace the file that is written.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def finish(ctx: click.Context, done: Done, print_summary: Callable[[], object], *, as_json: bool, **more: Any) -> None:
    """Print what a command did, as text or as one JSON object, and exit with 1 if rows have errors."""
    if as_json:
        findings = [finding.to_json() for finding in done.findings]
        click.echo(json.dumps({**asdict(done), "findings": findings, **more}, indent=2, ensure_ascii=False))
    else:
        print_findings(done.findings)
        total = done.errors + done.warnings
        if total > len(done.findings):
            left_out = counted(total - len(done.findings), "more finding")
            click.echo(f"… and {left_out}; --max-problems {total} prints all")
        if total:
            click.echo()
        print_summary()
    if done.errors:
        ctx.exit(1)


def values(found: MetadataKey) -> str:
    """The values of a metadata key and their rows, in one line."""
    if not found.values and found.rows:
        return f"too many or too long to list, in {found.rows:,} rows"
    first = list(found.values.items())[:_SHOWN_VALUES]
    parts = [f"{safe(value)} {rows:,}" for value, rows in first]
    rest = found.rows - sum(rows for _, rows in first)
    return ", ".join([*parts, f"others {rest:,}"] if rest else parts)


def safe(text: str) -> str:
    """A text from a file, short and fit for a terminal."""
    from evalayer_lab.dataset import shown

    return shown(text, limit=30)
