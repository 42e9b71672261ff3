"""`evalayer metrics`."""

from __future__ import annotations

import json

import click


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
    from evalayer import InvalidMetric
    from evalayer._discovery import distribution, installed_metrics, load
    from evalayer._metric import is_metric

    listed: list[dict[str, str | None]] = []
    for name, entries in installed_metrics().items():
        for entry in entries:
            problem = "offered by several distributions: uninstall one" if len(entries) > 1 else None
            description = ""
            try:
                loaded = load(entry)
                description = (getattr(loaded, "__doc__", None) or "").strip().partition("\n")[0]
                if not is_metric(loaded) and not callable(loaded):
                    problem = f"is no metric: it is a {type(loaded).__name__}"
            except InvalidMetric as error:
                problem = str(error)
            offer = {"name": name, "distribution": distribution(entry), "value": entry.value}
            listed.append({**offer, "description": description, "problem": problem})
    if as_json:
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        width = max((len(str(row["name"])) for row in listed), default=0)
        for row in listed:
            source = "" if row["distribution"] == "evalayer" else f"  [{row['distribution']}]"
            problem = f"  PROBLEM: {row['problem']}" if row["problem"] else ""
            click.echo(f"{row['name']:<{width}}  {row['description']}{source}{problem}")
    if any(row["problem"] for row in listed):
        ctx.exit(1)
