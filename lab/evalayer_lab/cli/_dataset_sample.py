"""`evalayer dataset sample`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalayer_lab.cli._dataset_output import as_json, finish, max_problems, out, overwrite, safe

if TYPE_CHECKING:
    from evalayer_lab.dataset import Sampling


@click.command()
@click.argument("file", type=click.Path())
@out
@click.option("--rows", required=True, type=click.IntRange(min=1), help="How many rows to take.")
@click.option("--stratify", metavar="KEYS", help="Metadata keys to stratify by, separated by commas.")
@click.option(
    "--by",
    type=click.Choice(["proportional", "equal"]),
    default="proportional",
    show_default=True,
    help="Whether each stratum gets its share of the file, or as many rows as any other.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed takes other rows.")
@overwrite
@as_json
@max_problems
@click.pass_context
def sample(
    ctx: click.Context,
    file: str,
    out: str,
    rows: int,
    stratify: str | None,
    by: str,
    seed: int,
    overwrite: bool,
    as_json: bool,
    max_problems: int,
) -> None:
    """Take a part of a gen_qa dataset, with rows of every stratum in it.

    Rows are drawn at random and written in their order, byte for byte; the same seed draws the same rows. Bad rows are
    never drawn. Exits with 0, or with 1 when the file has bad rows.

    \b
    The JSON object has
      path, out          what was read, what was written
      rows, taken        the rows of the file, and of the sample
      errors, warnings   how many there are
      findings           the first of them: {code, severity, path, line, field, reason, fix}
      strata             {values: {key: value}, rows, taken}

    \b
    Example:
      evalayer dataset sample data/support_tickets/gen_qa.jsonl --rows 40 --stratify difficulty,domain \\
        --out sample/gen_qa.jsonl
    """
    from evalayer_lab.cli._console import progress
    from evalayer_lab.dataset import sample as take

    keys = list(dict.fromkeys(key.strip() for key in stratify.split(","))) if stratify else []
    with progress("rows") as advance:
        taken = take(
            file,
            out,
            rows,
            stratify=keys,
            by="equal" if by == "equal" else "proportional",
            seed=seed,
            overwrite=overwrite,
            max_problems=max_problems,
            on_progress=advance,
        )
    finish(ctx, taken, lambda: _print(taken, keys), as_json=as_json)


def _print(taken: Sampling, keys: list[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from evalayer_lab.cli._console import console

    if keys:
        table = Table(box=None, pad_edge=False)
        for key in keys:
            table.add_column(Text(safe(key)))
        table.add_column("rows", justify="right")
        table.add_column("taken", justify="right")
        for stratum in sorted(taken.strata, key=lambda one: [value or "" for value in one.values.values()]):
            cells = [Text("(none)" if value is None else safe(value)) for value in stratum.values.values()]
            table.add_row(*cells, f"{stratum.rows:,}", f"{stratum.taken:,}")
        console().print(table)
    click.echo(f"Wrote {taken.taken:,} of {taken.rows:,} rows to {taken.out}")
