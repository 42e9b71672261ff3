"""`evalayer invoke`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command()
@click.argument("event", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--handler",
    default=None,
    metavar="FILE:NAME",
    help="The Lambda handler.  [default: processors/app.py:lambda_handler]",
)
@click.pass_context
def invoke(ctx: click.Context, event: Path, handler: str | None) -> None:
    """Send one event to the Lambda handler.

    EVENT is a JSON file, or - for standard input. Prints the response. A named error of the handler, or a response
    other than 200, exits with 1.

    \b
    Examples:
      evalayer invoke events/postprocess.json
      evalayer invoke - --handler my_metrics.py:lambda_handler < events/bad/missing_gold.json
    """
    from evalayer import EvalayerError
    from evalayer_lab._errors import InputError
    from evalayer_lab.handler import DEFAULT_HANDLER, LocalContext, load_handler

    loaded = load_handler(handler or DEFAULT_HANDLER)
    try:
        payload = json.loads(sys.stdin.buffer.read() if str(event) == "-" else event.read_bytes())
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path=event, line=error.lineno) from error
    except (UnicodeDecodeError, RecursionError, OSError) as error:
        raise InputError(f"not JSON: {error}", path=event) from error
    try:
        response = loaded.call(payload, LocalContext.fresh())
    except Exception as error:
        if ctx.find_root().params.get("debug"):
            raise
        click.echo(f"{type(error).__name__}: {error}", err=True)
        if not isinstance(error, EvalayerError):
            click.echo("The handler raised this; `evalayer --debug invoke …` shows where.", err=True)
        elif error.__cause__ is not None:
            cause = error.__cause__
            click.echo(f"caused by {type(cause).__name__}: {cause}", err=True)
        ctx.exit(1)
    click.echo(json.dumps(response, indent=2, ensure_ascii=False))
    if response.get("statusCode") != 200:
        ctx.exit(1)
