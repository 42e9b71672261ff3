"""`evalayer invoke`."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalayer_lab.cli import _options

if TYPE_CHECKING:
    from evalayer_lab.function import RuntimeEmulator


@click.command()
@click.argument("event", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--handler",
    default=None,
    metavar="NAME",
    help="The Lambda handler.  [default: processors/app.py:lambda_handler, with --runtime app.lambda_handler]",
)
@click.option("--runtime", is_flag=True, help="Send the event through AWS's runtime emulator to what was built.")
@_options.layers(".aws-sam/build/*Layer")
@click.option(
    "--function",
    type=_options.PATH,
    help="The function's code, a folder or a zip.  "
    "[default: the first .aws-sam/build/*Function, or processors if there is none and --layer is given]",
)
@click.option("--python", metavar="NAME", help="The Python of the runtime, a name or a file.  [default: python3.13]")
@click.option("--arm64", is_flag=True, help="Run on arm64; on another machine QEMU emulates it.")
@click.pass_context
def invoke(
    ctx: click.Context,
    event: Path,
    handler: str | None,
    runtime: bool,
    layers: tuple[Path, ...],
    function: Path | None,
    python: str | None,
    arm64: bool,
) -> None:
    """Send one event to the Lambda handler.

    EVENT is a JSON file, or - for standard input. Prints the response. A named error of the handler, or a response
    that is neither a status of 200 nor a list of rewards, exits with 1.

    The handler is called in this process. With --runtime it is Lambda's own runtime client that calls it, in a process
    that can import the built layers, the function and nothing else: that shows what a deployment would do. It needs
    Linux, the SAM CLI and, on the first run, a network; --arm64 needs qemu-user-static and mmdebstrap too.

    The handler sees the EVALAYER_* and POWERTOOLS_* variables of the environment, so that
    `EVALAYER_TASK=… evalayer invoke …` chooses the task. A layer that the template names by its ARN, such as
    Powertools, is not there with --runtime unless --layer gives it, next to the built one.

    \b
    Examples:
      evalayer invoke events/postprocess.json
      evalayer invoke - --handler my_metrics.py:lambda_handler < events/bad/missing_gold.json
      evalayer invoke events/postprocess.json --runtime --arm64
      EVALAYER_TASK=my_task evalayer invoke events/postprocess.json --runtime
      evalayer invoke events/postprocess.json --runtime --layer layer-x86_64.zip
    """
    if runtime:
        if handler and ":" in handler:
            raise click.UsageError("with --runtime, name the handler as Lambda does, such as app.lambda_handler")
        from evalayer_lab.function import RuntimeEmulator

        code, below = _built(function, layers)
        emulator = RuntimeEmulator(function=code, layers=below, python=python, arm64=arm64, handler=handler)
        response = _emulate(ctx, _read(event), emulator)
    else:
        if layers or function or python or arm64:
            raise click.UsageError("--layer, --function, --python and --arm64 go with --runtime")
        response = _call(ctx, json.loads(_read(event)), handler)
    try:
        text = json.dumps(response, indent=2, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        click.echo(f"InvalidResponse: Lambda cannot send this response as JSON: {error}", err=True)
        ctx.exit(1)
    click.echo(text)
    if not isinstance(response, list) and (not isinstance(response, dict) or response.get("statusCode") != 200):
        ctx.exit(1)


def _built(function: Path | None, layers: tuple[Path, ...]) -> tuple[Path, tuple[Path, ...]]:
    """Return the function and the layers to run: those given, and otherwise those that `sam build` left."""
    folder = Path(".aws-sam/build")
    code = [function] if function else sorted(folder.glob("*Function"))
    if layers and not code:
        code = [Path("processors")]
    below = layers or tuple(sorted(folder.glob("*Layer")))
    for found, option in ((below, "--layer"), (code, "--function")):
        if not found:
            raise click.UsageError(f"nothing was built; run `sam build`, or give {option}")
    return code[0], below


def _read(event: Path) -> bytes:
    from evalayer_lab.inputs import InputError, reading

    with reading(event):
        content = sys.stdin.buffer.read() if str(event) == "-" else event.read_bytes()
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path=event, line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", path=event) from error
    return content


def _call(ctx: click.Context, payload: Any, handler: str | None) -> Any:
    from evalayer import EvalayerError
    from evalayer_lab.function import LocalContext, load_handler
    from evalayer_lab.inputs import InputError

    try:
        with redirect_stdout(sys.stderr):  # what the handler prints is not its response
            return load_handler(handler).call(payload, LocalContext.fresh())
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        if ctx.find_root().params.get("debug"):
            raise
        click.echo(f"{type(error).__name__}: {error}", err=True)
        if not isinstance(error, EvalayerError):
            click.echo("The handler raised this; `evalayer --debug invoke …` shows where.", err=True)
        elif error.__cause__ is not None:
            cause = error.__cause__
            click.echo(f"caused by {type(cause).__name__}: {cause}", err=True)
        ctx.exit(1)


def _emulate(ctx: click.Context, event: bytes, emulator: RuntimeEmulator) -> Any:
    from evalayer import PayloadTooLarge
    from evalayer_lab.function import FunctionFailed

    with emulator:
        try:
            return json.loads(emulator.invoke(event))
        except FunctionFailed as error:
            click.echo(str(error), err=True)
            if ctx.find_root().params.get("debug"):
                click.echo(emulator.log, err=True)
            else:
                click.echo("`evalayer --debug invoke …` shows the function's log.", err=True)
        except PayloadTooLarge as error:
            click.echo(f"PayloadTooLarge: {error}", err=True)
    return ctx.exit(1)
