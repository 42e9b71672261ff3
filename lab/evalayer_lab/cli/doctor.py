"""`evalayer doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalayer_lab.cli import _options
from evalayer_lab.cli._console import counted, print_findings

if TYPE_CHECKING:
    from evalayer_lab.doctor import Examination


@click.command()
@click.option("--template", type=_options.PATH, help="The SAM template.  [default: template.yaml if there is one]")
@_options.layers(".aws-sam/build/<its logical id>")
@click.option(
    "--function",
    type=_options.PATH,
    help="The built code of the function, a folder or a zip.  [default: .aws-sam/build/<its logical id>]",
)
@click.option("--recipe", type=_options.PATH, help="A recipe to compare with the template and the task.")
@click.option("--runtime", metavar="NAME", help="The Lambda runtime.  [default: the template's, or python3.13]")
@click.option("--architecture", metavar="NAME", help="arm64 or x86_64.  [default: the template's, or arm64]")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print {examined, findings: [{code, severity, path, line, field, reason, fix}]}.",
)
@click.pass_context
def doctor(
    ctx: click.Context,
    /,
    template: Path | None,
    as_json: bool,
    **options: Any,
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
    from evalayer_lab.doctor import examine

    default = Path("template.yaml")
    if template is None and default.is_file():
        template = default
    examination = examine(template, **options)
    if as_json:
        findings = [finding.to_json() for finding in examination.findings]
        _options.print_json({"examined": examination.examined, "findings": findings})
    else:
        _print(examination)
    if examination.count("error"):
        ctx.exit(1)


def _print(examination: Examination) -> None:
    found = [finding for finding in examination.findings if finding.severity != "skipped"]
    skipped = [finding for finding in examination.findings if finding.severity == "skipped"]
    click.echo(f"examined {', '.join(examination.examined)}")
    if found:
        click.echo()
        print_findings(found)
    if skipped:
        click.echo("\nnot checked")
        for finding in skipped:
            click.echo(f"  {finding}")
    if found:
        errors = counted(examination.count("error"), "error")
        click.echo(f"\n{errors} and {counted(examination.count('warning'), 'warning')}")
    else:
        click.echo(f"\nnothing found{' in what was checked' if skipped else ''}")
