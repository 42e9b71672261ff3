"""The documentation is run: its commands, its Python, the files it shows, its links; and it knows every command.

In README.md, CONTRIBUTING.md and docs/*.md,

- every `$ ` command of a ```console block is run, in order, in a copy of the repository; `cd` moves between folders. A
  command must succeed, or exit as its comment says (`# exits with 1`), and print each line shown below it, where …
  stands for anything. Not run: commands that start with a word in NOT_RUN, and ```sh blocks. Those that only read what
  is there run in this process, which has the libraries already; several documents share an evaluation that they repeat.
- every ```python block is run, all of one document as one script, unless its fence says `python no-run`.
- a block under a line that ends in "`path`:" is that file. Where the repository has it, it must hold the block; where
  it has not, the file is made before the commands are run.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

import click
import pytest
from tests.commands import every_command

from evalayer_lab.cli import main

NOT_RUN = ("make", "git", "pip install", "sam", "aws")
IN_THIS_PROCESS = ("compare", "dataset", "gate", "power", "publish", "recipe", "report")
EVALUATION = "evalayer run recipes/support_tickets.yaml --data data/support_tickets/gen_qa.jsonl "
ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = ("*.pyc", "__pycache__", "build", "dist", "output")


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    file: str | None


@dataclass(frozen=True)
class Command:
    text: str
    code: int
    shown: tuple[str, ...]


def blocks(document: Path) -> Iterator[Block]:
    lines = document.read_text(encoding="utf-8").splitlines()
    start: int | None = None
    for number, line in enumerate(lines):
        if start is None and line.startswith("```"):
            start = number
        elif start is not None and line == "```":
            above = next((text for text in reversed(lines[:start]) if text.strip()), "")
            file = re.search(r"`([^`\s]+\.\w+)`:$", above)
            text = "".join(f"{line}\n" for line in lines[start + 1 : number])
            yield Block(lines[start].removeprefix("```").strip(), text, start + 1, file[1] if file else None)
            start = None
    assert start is None, f"{document.name}:{start}: the block is never closed"


def commands(block: Block) -> Iterator[Command]:
    joined = re.sub(r"\\\n(> )?\s*", " ", block.text)
    for text in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
        command, *shown = text.splitlines()
        code = re.search(r"#\s*exits with (\d+)", command)
        yield Command(command, int(code[1]) if code else 0, tuple(shown))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def of_kind(document: Path, kind: str) -> list[Block]:
    return [block for block in blocks(document) if block.kind == kind]


def cases(kind: str) -> pytest.MarkDecorator:
    documents = [document for document in DOCUMENTS if of_kind(document, kind)]
    return pytest.mark.parametrize("document", documents, ids=lambda document: document.name)


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", *GENERATED)))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copied(tmp_path / "copy")


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "COLUMNS": "120"}


Ran = tuple[int, str]


def in_a_shell(command: str, folder: Path, environment: dict[str, str]) -> Ran:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def in_this_process(command: str, folder: Path) -> Ran:
    printed = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(printed):
        patch.chdir(folder)
        patch.setenv("COLUMNS", "120")
        patch.setattr(sys, "argv", shlex.split(command, comments=True))
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    printed.seek(0)
    return ended.value.code, printed.read()


@pytest.fixture(scope="session")
def evaluated(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Callable[[str], tuple[Ran, Path]]:
    """Return a function that gives what an evaluation of the bundled data printed, and the folder it wrote."""
    known: dict[str, tuple[Ran, Path]] = {}

    def evaluate(command: str) -> tuple[Ran, Path]:
        if command not in known:
            folder = copied(tmp_path_factory.mktemp("evaluated") / "copy")
            known[command] = in_a_shell(command, folder, environment), folder / "output"
        return known[command]

    return evaluate


@pytest.fixture
def run(environment: dict[str, str], evaluated: Callable[[str], tuple[Ran, Path]]) -> Callable[[str, Path], Ran]:
    """Return a function that runs a command in a folder."""

    def run_command(command: str, folder: Path) -> Ran:
        if command.startswith(EVALUATION) and "--handler" not in command:
            ran, output = evaluated(command)
            shutil.copytree(output, folder / "output", dirs_exist_ok=True)
            return ran
        if re.match(rf"evalayer ({'|'.join(IN_THIS_PROCESS)})\b[^|<>;&]*$", command):
            return in_this_process(command, folder)
        return in_a_shell(command, folder, environment)

    return run_command


@cases("console")
def test_commands_do_what_is_shown(document: Path, copy: Path, run: Callable[[str, Path], Ran]) -> None:
    for block in blocks(document):
        if block.file and not (copy / block.file).exists():
            (copy / block.file).write_text(block.text, encoding="utf-8")
    folder = copy
    for command in [command for block in of_kind(document, "console") for command in commands(block)]:
        if command.text.startswith(tuple(f"{word} " for word in NOT_RUN)):
            continue
        if command.text.startswith("cd "):
            folder /= command.text.split()[1]
            continue
        code, printed = run(command.text, folder)
        assert code == command.code, f"{command.text}\n{printed}"
        for line in command.shown:
            for part in line.split("…"):
                assert squeezed(part) in squeezed(printed), f"{command.text} does not print: {line}\n{printed}"


@cases("python")
def test_python_runs(document: Path, copy: Path, environment: dict[str, str]) -> None:
    lines: list[str] = []
    for block in of_kind(document, "python"):
        lines += [""] * (block.line - len(lines))  # so that a traceback has the line numbers of the document
        lines += block.text.splitlines()
    script = copy / f"{document.stem}.py"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_files_are_shown_as_they_are(document: Path) -> None:
    for block in blocks(document):
        if block.file and (ROOT / block.file).exists():
            assert block.text in (ROOT / block.file).read_text(encoding="utf-8"), f"{document.name}:{block.line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert not [link for link in links if not (document.parent / link).exists()]


@pytest.mark.parametrize("context", every_command(), ids=lambda context: context.command_path)
def test_every_command_is_explained(context: click.Context) -> None:
    assert re.search(rf"Examples?:\n +{context.command_path}\b", context.get_help())
    options = [option for option in context.command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []
