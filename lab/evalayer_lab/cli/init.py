"""`evalayer init`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

_TEMPLATES: Final = Path(__file__).parents[1] / "templates" / "project"
_SUFFIX: Final = ".tmpl"
_RENAMED: Final = {"gitignore": ".gitignore"}
_LONGEST: Final = 40  # SageMaker-NAME names a Lambda function, and has at most 64 characters
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")


@click.command()
@click.argument("name")
def init(name: str) -> None:
    """Make a new project.

    It has a task with metrics, a metric plugin, data, events, tests, a recipe and a SAM template. NAME becomes the
    folder, the name of the run and part of the name of the Lambda function.

    \b
    Example:
      evalayer init product-reviews
    """
    from evalayer_lab.inputs import InputError

    values = _placeholders(name)
    folder = Path(name)
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError("this folder is not empty; give another name, or empty it first", path=folder)
        made = [_write(template, folder, values) for template in sorted(_TEMPLATES.rglob(f"*{_SUFFIX}"))]
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=error.filename or folder) from error
    click.echo(f"Made {folder}/")
    for path in sorted(made):
        click.echo(f"  {path.relative_to(folder).as_posix()}")
    click.echo("\nNext:")
    for command in (
        f"cd {name}",
        "evalayer invoke events/postprocess.json",
        "evalayer run recipe.yaml --data data/gen_qa.jsonl --answers data/answers.jsonl",
        "python -m pytest  # needs pytest: pip install pytest",
    ):
        click.echo(f"  {command}")


def _placeholders(name: str) -> dict[str, str]:
    """What the placeholders of the templates stand for in a project of a name."""
    from evalayer_lab.inputs import InputError

    module = name.replace("-", "_")
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be the name of a project, which is a letter, then letters and digits with single hyphens "
            f"or underscores between them, at most {_LONGEST} characters; try {_usable(name)}"
        )
    if module.lower() == "evalayer":
        raise InputError(f"the metrics of a project {name} would hide the package evalayer_metrics; try my-{name}")
    return {"{{name}}": name, "{{module}}": module}


def _usable(name: str) -> str:
    from unicodedata import normalize

    ascii_only = normalize("NFKD", name).encode("ascii", "ignore").decode()
    usable = re.sub(r"[^A-Za-z0-9]+", "-", ascii_only).strip("-") or "evaluation"
    return (usable if usable[0].isalpha() else f"my-{usable}")[:_LONGEST].rstrip("-")


def _write(template: Path, folder: Path, values: dict[str, str]) -> Path:
    relative = template.relative_to(_TEMPLATES).as_posix().removesuffix(_SUFFIX)
    path = folder / _fill(_RENAMED.get(relative, relative), values)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_fill(template.read_text(encoding="utf-8"), values), encoding="utf-8", newline="\n")
    return path


def _fill(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text
