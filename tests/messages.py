"""Every text that a user can read, collected from the code, so that it can be read in one place.

A line of `tests/messages.txt` is `path: text`, with `{…}` for what is filled in. `tests/test_messages.py` looks through
the list.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests" / "messages.txt"
FOLDERS = ("layer", "metrics", "lab")

_FILLED_IN = "{…}"
_TWO_WORDS = re.compile(r"(\{…\}|[A-Za-z]{2,})[^A-Za-z{]{0,4}\s[^A-Za-z{]{0,4}(\{…\}|[A-Za-z]{2,})")
_WORD = re.compile(r"[A-Za-z]{3,}")
_SQL = re.compile(
    r"\b(SELECT|FROM|WHERE|WHEN|JOIN|ORDER BY|CREATE|COPY|PARTITION|AND|OR|IS NOT|NULL|DESCRIBE|LIMIT|INSERT|DROP|SET)"
    r"\b|[)'\d]::|union_by_name|file_row_number"
)
_CODE = re.compile(r"import [\w, ]+;|import json |^[<&:]|^\w+\(\{|\w\|\w.*\w\|\w|default-src|=device-width")
_NOT_READ = {"class_", "transform", "style", "viewBox"}  # attributes of an element
_WORD_LISTS = {"words", "_words", "_word_set"}  # of other languages, to look for in answers


def render() -> str:
    """The list, sorted."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "templates" not in path.parts)
    lines = {
        f"{path.relative_to(ROOT).as_posix()}: {text}\n"
        for path in files
        for text in texts_in(path.read_text(encoding="utf-8"), in_html="html" in path.parts)
    }
    return "".join(sorted(lines))


def texts_in(source: str, *, in_html: bool = False) -> Iterator[str]:
    """The texts of one module; of a page's, also the single words that its elements hold."""
    return _texts(ast.parse(source), in_html=in_html)


def _texts(node: ast.AST, *, in_html: bool) -> Iterator[str]:
    """The texts below a node: sentences, the help of commands, and the words of a page."""
    if isinstance(node, ast.FunctionDef) and any("click" in ast.unparse(each) for each in node.decorator_list):
        help_text = inspect.cleandoc(ast.get_docstring(node) or "")
        yield from filter(None, (_squeezed(paragraph) for paragraph in help_text.split("\n\n")))
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _WORD_LISTS or ast.unparse(node.func).startswith("re."):
            return
        if in_html and name == "el":
            yield from (word for word in map(_constant, node.args[1:]) if word and _WORD.search(word))
    if isinstance(node, ast.Constant | ast.JoinedStr):
        text = _squeezed(_constant(node) or "")
        if _is_sentence(text):
            yield text
    for below in _below(node):
        yield from _texts(below, in_html=in_html)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """What to look at below a node: no docstrings, no annotations, and of an f-string what is filled in."""
    if isinstance(node, ast.JoinedStr):
        yield from (part.value for part in node.values if isinstance(part, ast.FormattedValue))
        return
    if isinstance(node, ast.keyword) and node.arg in _NOT_READ:
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns"}:
            continue
        for each in value if isinstance(value, list) else [value]:
            is_docstring = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            if isinstance(each, ast.AST) and not is_docstring:
                yield each


def _constant(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(_constant(part) or _FILLED_IN for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _squeezed(text: str) -> str:
    return " ".join(text.replace("\b", " ").split())


def _is_sentence(text: str) -> bool:
    is_code = _SQL.search(text) or _CODE.search(text)
    return bool(_TWO_WORDS.search(text) and _WORD.search(text)) and not is_code
