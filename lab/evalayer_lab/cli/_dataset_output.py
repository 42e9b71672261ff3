"""What the commands of `evalayer dataset` print alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from evalayer_lab.cli._console import counted

if TYPE_CHECKING:
    from evalayer_lab.dataset import MetadataKey, Problem

KINDS: Final = ("gen_qa", "llm_judge", "rubric_llm_judge", "mm_llm_judge", "rft_eval")
_SHOWN_VALUES: Final = 6

max_problems = click.option(
    "--max-problems", type=click.IntRange(min=0), default=20, show_default=True, help="How many problems to print."
)
out = click.option("--out", required=True, type=click.Path(), metavar="FILE", help="The file to write.")
overwrite = click.option("--overwrite", is_flag=True, help="Replace the file that is written.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def print_problems(problems: Sequence[Problem], total: int) -> None:
    """Print the problems that were kept, and how many more there are."""
    for problem in problems:
        severity = click.style(problem.severity, fg="red" if problem.severity == "error" else "yellow")
        click.echo(f"{severity}: {problem}")
    left_out = total - len(problems)
    if left_out:
        click.echo(f"… and {counted(left_out, 'more problem')}; --max-problems {total} prints all")
    if total:
        click.echo()


def values(found: MetadataKey) -> str:
    """The values of a metadata key and their rows, in one line."""
    if not found.values and found.rows:
        return f"too many or too long values, {found.rows:,}"
    first = list(found.values.items())[:_SHOWN_VALUES]
    parts = [f"{safe(value)} {rows:,}" for value, rows in first]
    rest = found.rows - sum(rows for _, rows in first)
    return ", ".join([*parts, f"others {rest:,}"] if rest else parts)


def safe(text: str) -> str:
    """A text from a file, short and fit for a terminal."""
    from evalayer_lab.dataset import shown

    return shown(text, limit=30)
