"""The root of the command line: which commands there are, and how they end."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Final, NoReturn

import click

from evalayer import EvalayerError, __version__

_LONGEST: Final = 1000  # characters of a command's first sentence


class Group(click.Group):
    """A `click.Group` whose error about an unknown command says which one was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            from evalayer_lab.inputs import suggest

            ctx.fail(f"there is no command {args[0]!r}; {suggest(args[0], known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their first sentences, over several lines where one is too short."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_LONGEST)) for name, one in commands if one is not None])


# Each command is a module of this package; it is imported when the command, or the list of commands, is asked for.
_COMMANDS: Final = (
    "init", "metrics", "invoke", "dataset", "recipe", "run", "report", "compare", "gate", "power", "doctor",
    "launch", "wait", "fetch", "publish",
)  # fmt: skip


class _Commands(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"evalayer_lab.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 is fine, 1 means that the answer is no, 2 that the input or the usage is wrong.",
)
@click.version_option(__version__, prog_name="evalayer")
@click.option("--debug", is_flag=True, help="Show the traceback when there is an error.")
def root(debug: bool) -> None:
    """Bring your own metrics to Amazon Nova evaluation, and trust the numbers."""


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    debug = "--debug" in sys.argv[1:]
    try:
        with root.make_context("evalayer", sys.argv[1:]) as context:
            root.invoke(context)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe has what it wanted. Python would complain about the rest when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        reason = str(error)
        if not isinstance(error, (EvalayerError, OSError)):
            reason = (
                f"{type(error).__name__}: {error}\nThis is a bug in evalayer: "
                "run the command again as `evalayer --debug …` and report what it prints."
            )
        click.echo(f"Error: {reason}", err=True)
        sys.exit(2)
    sys.exit(0)
