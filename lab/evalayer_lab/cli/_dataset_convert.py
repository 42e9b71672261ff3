"""`evalayer dataset convert`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from evalayer_lab.cli._console import counted
from evalayer_lab.cli._dataset_output import KINDS, as_json, finish, max_problems, out, overwrite, safe

if TYPE_CHECKING:
    from evalayer_lab.dataset import Conversion, Format, Kind

_FORMATS: Final = ("csv", "tsv", "jsonl", "json", "parquet", "arrow")


@click.command()
@click.argument("source", metavar="IN", type=click.Path())
@out
@click.option("--kind", type=KINDS, default="gen_qa", show_default=True, help="What rows to write.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Take a field from a column of another name; may be given several times.",
)
@click.option("--system", metavar="TEXT|@COLUMN", help="The system prompt of every row, or the column that has it.")
@click.option("--metadata", metavar="COLUMNS", help="Columns to write as the metadata, separated by commas.")
@click.option("--format", "file_format", type=click.Choice(_FORMATS), help="What the file is.  [default: by its name]")
@click.option("--encoding", help="The encoding of a text file.  [default: UTF-8, or what its byte order mark says]")
@click.option("--delimiter", help="The delimiter of a CSV file.  [default: by its header]")
@click.option("--split", help="The split to read from a folder that has several.")
@click.option("--strict", is_flag=True, help="Stop at the first bad row and write nothing; exit code 2.")
@overwrite
@as_json
@max_problems
@click.pass_context
def convert(
    ctx: click.Context,
    source: str,
    out: str,
    kind: Kind,
    mapping: tuple[str, ...],
    system: str | None,
    metadata: str | None,
    file_format: Format | None,
    encoding: str | None,
    delimiter: str | None,
    split: str | None,
    strict: bool,
    overwrite: bool,
    as_json: bool,
    max_problems: int,
) -> None:
    """Make a dataset of a table.

    IN is a CSV, TSV, JSON, JSON Lines, Parquet or Arrow file, a folder that a Hugging Face dataset was saved to, or a
    folder of Parquet files. A field is taken from the column of its name unless --map says another. For rft_eval, user
    and system can be mapped in place of messages. A row that cannot be used is reported and left out. Exits with 0
    when every row was written, 1 when some were left out, 2 when nothing was written.

    \b
    The JSON object has
      path, out, kind    what was read, what was written, what its rows are
      rows, written      the rows that were read, and those that were written
      errors, warnings   how many there are
      findings           the first of them: {code, severity, path, line, field, reason, fix}
      columns            by field, its column
      unused             the columns that were not written

    \b
    Examples:
      evalayer dataset convert faq.csv --out gen_qa.jsonl --map query=question --map response=answer
      evalayer dataset convert saved/train --out gen_qa.jsonl --system @instruction --metadata topic,level
    """
    from evalayer_lab.cli._console import progress
    from evalayer_lab.dataset import Mapped, Source
    from evalayer_lab.dataset import convert as convert_table

    columns: dict[str, str] = {}
    for field, column in map(_pair, mapping):
        if field in columns:
            raise click.BadParameter(f"{field} is given twice", param_hint="--map")
        columns[field] = column
    if system and system.startswith("@"):
        columns["system"], system = system[1:], None
    if delimiter is not None and len(delimiter) != 1:
        raise click.BadParameter(f"{delimiter!r} is not one character", param_hint="--delimiter")
    names = [name.strip() for name in metadata.split(",")] if metadata else []
    with progress("rows") as advance:
        done = convert_table(
            Source(source, file_format, encoding, delimiter, split),
            out,
            Mapped(columns, system, names),
            kind=kind,
            overwrite=overwrite,
            strict=strict,
            max_problems=max_problems,
            on_progress=advance,
        )
    finish(ctx, done, lambda: _print(done), as_json=as_json)


def _pair(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not (field and equals and column):
        raise click.BadParameter(f"{text!r} is not FIELD=COLUMN, such as query=question", param_hint="--map")
    return field, column


def _print(done: Conversion) -> None:
    left_out = f"; {done.rows - done.written:,} left out" if done.written < done.rows else ""
    click.echo(f"Wrote {counted(done.written, 'row')} to {done.out}{left_out}")
    renamed = [f"{field} from {safe(column)}" for field, column in done.columns.items() if field != column]
    if renamed:
        click.echo(f"Mapped: {', '.join(renamed)}")
    if done.unused:
        click.echo(f"Unused: {', '.join(safe(name) if name else '(no name)' for name in done.unused[:20])}")
