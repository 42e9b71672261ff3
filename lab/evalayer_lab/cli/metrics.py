"""`evalayer metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalayer_lab.cli import _options

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@click.command()
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print a JSON list of {name, distribution, value, description, problem}.",
)
@click.pass_context
def metrics(ctx: click.Context, as_json: bool) -> None:
    """List the installed metrics.

    Any installed distribution can offer metrics, through the entry point group evalayer.metrics. Exits with 1 if one
    of them cannot be used.

    \b
    Example:
      evalayer metrics
    """
    from evalayer import installed_metrics

    listed: list[dict[str, str | None]] = []
    for name, entries in installed_metrics().items():
        for entry in entries:
            description, problem = _describe(entry)
            if problem is None and len(entries) > 1:
                problem = "offered by several distributions: uninstall one"
            distribution = entry.dist.name if entry.dist is not None else "an unnamed distribution"
            offer = {"name": name, "distribution": distribution, "value": entry.value}
            listed.append({**offer, "description": description, "problem": problem})
    if as_json:
        _options.print_json(listed)
    else:
        width = max((len(str(row["name"])) for row in listed), default=0)
        for row in listed:
            source = "" if row["distribution"] == "evalayer" else f"  [{row['distribution']}]"
            problem = f"  PROBLEM: {row['problem']}" if row["problem"] else ""
            click.echo(f"{row['name']:<{width}}  {row['description']}{source}{problem}")
    if any(row["problem"] for row in listed):
        ctx.exit(1)


def _describe(entry: EntryPoint) -> tuple[str, str | None]:
    """The first line that a metric says of itself, and why it cannot be used, if it cannot."""
    from evalayer import Metric

    try:
        loaded = entry.load()
    except Exception as error:  # noqa: BLE001 (whatever the module of a stranger raises is a problem to list)
        return "", f"cannot be imported: {type(error).__name__}: {error}"
    description = (getattr(loaded, "__doc__", None) or "").strip().partition("\n")[0]
    if callable(loaded) or isinstance(loaded, Metric):
        return description, None
    return description, f"is not a metric: it is of the type {type(loaded).__name__}"
