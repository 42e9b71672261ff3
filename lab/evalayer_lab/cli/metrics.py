"""`evalayer metrics`."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of {name, distribution, value, description}.")
def metrics(as_json: bool) -> None:
    """List the installed metrics, with one line each.

    Any installed distribution can offer metrics, through the entry point group evalayer.metrics.

    \b
    Example:
      evalayer metrics
    """
    from evalayer._discovery import installed_metrics, load

    listed = []
    for name, entry in installed_metrics().items():
        loaded = load(entry)
        listed.append(
            {
                "name": name,
                "distribution": entry.dist.name if entry.dist is not None else None,
                "value": entry.value,
                "description": (getattr(loaded, "__doc__", None) or "").strip().partition("\n")[0],
            }
        )
    if as_json:
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    width = max((len(str(row["name"])) for row in listed), default=0)
    for row in listed:
        source = "" if row["distribution"] == "evalayer" else f"  [{row['distribution']}]"
        click.echo(f"{row['name']:<{width}}  {row['description']}{source}")
