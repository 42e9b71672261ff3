"""The rooms of the project: what each shows, and what nobody reaches around."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from evalayer import EvalayerError
from evalayer_lab.inputs import _errors as tree_of_errors

ROOT = Path(__file__).parents[1]
SOURCES = {"layer": ROOT / "layer", "metrics": ROOT / "metrics", "lab": ROOT / "lab"}
LAB = ROOT / "lab" / "evalayer_lab"
ROOMS = sorted(
    ".".join(init.parent.relative_to(SOURCES["lab"]).parts)
    for init in LAB.rglob("__init__.py")
    if init.parent != LAB and "templates" not in init.parts
)
PACKAGES = ("evalayer", "evalayer_metrics", "evalayer_lab")
# Who may reach behind a face, and why. The list only gets shorter.
EXCEPTIONS: dict[str, str] = {
    # The face of evalayer_metrics is metrics only; a label and a doubt must be read here as the metrics read them.
    "lab/evalayer_lab/answers/_facts.py": "the words that metrics fold and count, and how they spell a label",
    "tests/lab/doctor/test_doctor_handler.py": "to be moved to the face",
    "tests/lab/doctor/test_doctor_inputs.py": "to be moved to the face",
    "tests/lab/report/documents.py": "to be moved to the face",
    "tests/lab/report/test_html.py": "to be moved to the face",
    "tests/lab/report/test_html_browser.py": "to be moved to the face",
    "tests/lab/report/test_html_parts.py": "to be moved to the face",
    "tests/lab/report/test_report_commands.py": "to be moved to the face",
    "tests/lab/report/test_report_comparison.py": "to be moved to the face",
    "tests/lab/report/test_report_figures.py": "to be moved to the face",
    "tests/lab/report/test_report_findings.py": "to be moved to the face",
    "tests/lab/report/ticket_document.py": "to be moved to the face",
    "tests/lab/report/ticket_words.py": "to be moved to the face",
    "tests/lab/statistics/test_hypergeometric.py": "to be moved to the face",
    "tests/metrics/test_schema_adherence.py": "compares two engines violation by violation; a score has only the first",
    "tests/commands.py": "lists every command; the face of cli has main alone, which works without click too",
    "tests/test_rooms.py": "to be moved to the face",
}


def owner(module: str) -> str | None:
    """The room that a private module belongs to; None for one that is public."""
    parts = module.split(".")
    private = (index for index, part in enumerate(parts) if part.startswith("_") and not part.startswith("__"))
    return next((".".join(parts[:index]) for index in private), None)


def room_of(file: Path) -> str:
    source = next((folder for folder in SOURCES.values() if folder in file.parents), file.parent)
    return ".".join(file.relative_to(source).parts[:-1])


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports from, with the line."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def reaching_around(folder: Path) -> list[str]:
    found = []
    for file in sorted(folder.rglob("*.py")):
        here = f"{room_of(file)}."
        for line, module in imports(file):
            room = owner(module)
            is_ours = room is not None and room.partition(".")[0] in PACKAGES
            if room is None or not is_ours or here.startswith(f"{room}."):
                continue
            if file.relative_to(ROOT).as_posix() not in EXCEPTIONS:
                found.append(f"{file.relative_to(ROOT)}:{line} {module}")
    return found


@pytest.mark.parametrize("folder", ["layer", "metrics", "lab", "processors", "benchmarks", "examples", "tests"])
def test_no_file_imports_another_rooms_private_module(folder: str) -> None:
    assert reaching_around(ROOT / folder) == []


def test_every_exception_is_needed() -> None:
    for file in EXCEPTIONS:
        assert any(owner(module) for _, module in imports(ROOT / file)), file


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_shows_what_its_all_lists_and_nothing_else(room: str) -> None:
    face = import_module(room)
    shown = set()
    for node in ast.parse(Path(str(face.__file__)).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("evalayer"):
            shown |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            shown.add(node.name)
    assert sorted(face.__all__) == sorted(name for name in shown if not name.startswith("_"))


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    for room in ROOMS:
        import_module(room)

    def branches(error: type[Exception]) -> Iterator[type[Exception]]:
        for below in error.__subclasses__():
            if below.__module__.startswith("evalayer_lab."):
                yield below
                yield from branches(below)

    drawn = tree_of_errors.__doc__ or ""
    for error in branches(EvalayerError):
        if not error.__name__.startswith("_"):  # a private one is caught in the module that raises it
            assert error.__name__ in drawn, error.__name__
