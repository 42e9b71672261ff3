"""`evalayer doctor`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    help="The SAM template.  [default: template.yaml if there is one]",
)
@click.option(
    "--layer",
    "layers",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A built layer, a folder or a zip; repeat it in merge order.  [default: .aws-sam/build/<its logical id>]",
)
@click.option(
    "--function",
    type=click.Path(path_type=Path),
    help="The built code of the function, a folder or a zip.  [default: .aws-sam/build/<its logical id>]",
)
@click.option("--recipe", type=click.Path(path_type=Path), help="A recipe to compare with the template and the task.")
@click.option("--runtime", metavar="NAME", help="The Lambda runtime.  [default: the template's, or python3.13]")
@click.option("--architecture", metavar="NAME", help="arm64 or x86_64.  [default: the template's, or arm64]")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print {examined, findings: [{code, severity, subject, message, fix}], skipped: [{check, reason}]}.",
)
@click.pass_context
def doctor(
    ctx: click.Context,
    template: Path | None,
    layers: tuple[Path, ...],
    function: Path | None,
    recipe: Path | None,
    runtime: str | None,
    architecture: str | None,
    as_json: bool,
) -> None:
    """Find what would break on Lambda.

    Reads the built layers, the function's code and the SAM template, without AWS and without a network:
    architectures, Python versions, sizes, shadowed packages, lost entry points, the handler and its import time,
    Powertools, IAM, and the recipe beside them. The handler is imported, in a process of its own.
    Exits with 1 on an error; a warning does not change the exit code. docs/doctor.md explains every code.

    \b
    Examples:
      evalayer doctor
      evalayer doctor --recipe recipes/support_tickets.yaml --json
      evalayer doctor --layer layer.zip --runtime python3.12 --architecture arm64
    """
    import json

    from evalayer_lab.cli._console import console
    from evalayer_lab.doctor import examine, render, to_json

    default = Path("template.yaml")
    if template is None and default.is_file():
        template = default
    report = examine(template, layers, function, recipe, runtime, architecture)
    if as_json:
        click.echo(json.dumps(to_json(report), indent=2, ensure_ascii=False))
    else:
        render(report, console())
    if report.errors:
        ctx.exit(1)
