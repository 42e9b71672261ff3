"""`evalayer dataset enrich`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from evalayer_lab.cli._console import counted
from evalayer_lab.cli._dataset_output import as_json, finish, max_problems, out, overwrite, values

if TYPE_CHECKING:
    from evalayer_lab.dataset import DomainSource, Enrichment

_KEYS: Final = ("task", "difficulty", "domain", "length", "language")


@click.command()
@click.argument("file", type=click.Path())
@out
@click.option(
    "--add",
    metavar="KEYS",
    help=f"A list of {', '.join(_KEYS)}.  [default: all that can be found]",
)
@click.option("--difficulty", metavar="FILE:NAME", help="A function of a row that gives its difficulty.")
@click.option("--domain-from", metavar="FILE[:KEY]", help="Rows labelled with their domain, to train a classifier on.")
@click.option("--domain-rules", metavar="FILE", help="YAML or JSON of domain: [words].")
@overwrite
@as_json
@max_problems
@click.pass_context
def enrich(
    ctx: click.Context,
    file: str,
    out: str,
    add: str | None,
    difficulty: str | None,
    domain_from: str | None,
    domain_rules: str | None,
    overwrite: bool,
    as_json: bool,
    max_problems: int,
) -> None:
    """Add metadata to every row of a gen_qa dataset: what it is about, and how hard.

    A key that a row has already is left as it is, and so is everything else. docs/datasets.md has the rules. Exits with
    0, or with 1 when rows have errors; these are left as they are.

    \b
    The JSON object has
      path, out, rows    what was read, what was written, and their rows
      changed            the rows that got something
      not_objects        the rows whose metadata is text of another kind, left as they are
      errors, warnings   how many there are
      findings           the first of them: {code, severity, path, line, field, reason, fix}
      added              by key: {rows, values: {value: rows}, other}
      kept               by key, the rows that had it before
      domain             {about, rows, accuracy, commonest} of what finds domains, or null

    \b
    Examples:
      evalayer dataset enrich gen_qa.jsonl --out enriched/gen_qa.jsonl
      evalayer dataset enrich gen_qa.jsonl --out enriched/gen_qa.jsonl --add difficulty,domain \\
        --domain-from data/support_tickets/train.jsonl:domain --difficulty my_rules.py:difficulty
    """
    import sys
    from contextlib import redirect_stdout

    from evalayer_lab.cli._console import progress
    from evalayer_lab.dataset import derivations, load_row_function
    from evalayer_lab.dataset import enrich as enrich_rows

    domain = _domain(domain_from, domain_rules)
    keys = _keys(add, has_domain=domain is not None)
    with redirect_stdout(sys.stderr), progress("rows") as advance:  # what a function prints is not the summary
        function = load_row_function(difficulty) if difficulty else None
        done = enrich_rows(
            file,
            out,
            derivations(keys, difficulty_of=function, domain=domain),
            overwrite=overwrite,
            max_problems=max_problems,
            on_progress=advance,
        )
    about = None
    if domain is not None:
        about = {name: getattr(domain, name) for name in ("about", "rows", "accuracy", "commonest")}
    finish(ctx, done, lambda: _print(done, domain), as_json=as_json, domain=about)


def _keys(add: str | None, *, has_domain: bool) -> list[str]:
    from evalayer_lab.inputs import suggest

    if add is None:
        return [key for key in _KEYS if key != "domain" or has_domain]
    keys = [key.strip() for key in add.split(",")]
    for key in keys:
        if key not in _KEYS:
            raise click.BadParameter(f"{key!r} cannot be added; {suggest(key, _KEYS)}", param_hint="--add")
    return list(dict.fromkeys(keys))


def _domain(labelled: str | None, rules: str | None) -> DomainSource | None:
    from evalayer_lab.dataset import domain_classifier
    from evalayer_lab.dataset import domain_rules as read_rules

    if labelled and rules:
        raise click.UsageError("give --domain-from or --domain-rules, not both")
    if rules:
        return read_rules(Path(rules))
    if not labelled:
        return None
    path, colon, key = labelled.rpartition(":")
    if not colon or Path(labelled).exists():
        return domain_classifier(Path(labelled))
    return domain_classifier(Path(path), key)


def _print(done: Enrichment, domain: DomainSource | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from evalayer_lab.cli._console import console

    table = Table(box=None, pad_edge=False)
    for heading in ("added", "rows", "had it", "values"):
        table.add_column(heading, justify="right" if heading in {"rows", "had it"} else "left")
    for key, found in done.added.items():
        table.add_row(key, f"{found.rows:,}", f"{done.kept[key]:,}", Text(values(found)))
    console().print(table)
    if domain is not None and domain.rows:
        accuracy = ""
        if domain.accuracy is not None:
            guess = f"always guessing the commonest would be right on {domain.commonest:.0%}"
            accuracy = f"; right on {domain.accuracy:.0%} of rows it had not seen ({guess})"
        click.echo(f"Domains are from {domain.about} trained on {domain.rows:,} rows{accuracy}")
    if done.not_objects:
        click.echo(f"Left as they are: {done.not_objects:,} rows whose metadata is not a JSON object")
    click.echo(f"Wrote {counted(done.rows, 'row')} to {done.out}, {done.changed:,} of them changed")
