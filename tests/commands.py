"""`docs/commands.md`, made from the commands."""

from collections.abc import Iterator
from pathlib import Path

import click

from evalayer_lab.cli._main import root

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
_TOP = """\
# Every command

This is what `--help` prints for each command. The exit codes mean the same everywhere: 0 is fine, 1 means that the
answer is no (a broken row, a worse run, no gate), and 2 means that the input or the usage is wrong.

| command | what it does |
| --- | --- |
"""


def every_command() -> list[click.Context]:
    """A context for each command that does something, in the order of `--help`."""
    return list(_below(click.Context(root, info_name="evalayer", **root.context_settings)))


def render() -> str:
    """The page."""
    contexts = every_command()
    rows = (
        f"| [`{context.command_path}`](#{context.command_path.replace(' ', '-')}) | {_first_sentence(context)} |\n"
        for context in contexts
    )
    parts = (f"\n## {context.command_path}\n\n```text\n{_help(context)}\n```\n" for context in contexts)
    return _TOP + "".join(rows) + "".join(parts)


def _below(context: click.Context) -> Iterator[click.Context]:
    group = context.command
    if not isinstance(group, click.Group):
        yield context
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from _below(click.Context(command, parent=context, info_name=name))


def _first_sentence(context: click.Context) -> str:
    return context.command.get_short_help_str(limit=1000).removesuffix(".")


def _help(context: click.Context) -> str:
    context.terminal_width = 100
    return "\n".join(line.rstrip() for line in context.get_help().splitlines())
