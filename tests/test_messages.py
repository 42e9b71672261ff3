"""Every text that a user can read reads like English."""

import re
from collections.abc import Iterator

from tests.commands import PAGE
from tests.messages import LIST, ROOT, texts_in

# What a reader stumbles on, and what to write in its place.
BETTER = {
    r"(?<!there )(?<!There )\b(is|are|was|were) no (?!longer)": 'write "is not a …"',
    r"\b(is|are) none of\b": 'write "is not one of"',
    r"\b[Tt]here is none \(": "say what does not exist",
    r"\b(nobody|vouche\w+)\b": "say what is missing, or who does it",
    r"\bhas no room\b": "say what to write instead",
    r"\bof \{…\} more\b|\band of \d+ more\b": 'write "… and 3 more"',
    r"\bso many rows\b": 'write "this many rows", or the number',
    r"\bwhich way is good\b|\bgood way\b": 'write "whether higher or lower is better"',
    r"^(Above|Below) .*\bpass\b|^Of (a|all) ": "put the subject first",
    r"\bas no [\w ]+ (does|is)\b|; no \w+ (is|are)$": 'write "which is unusual", or what the limit is',
    r"\bstands? (here|in this row) ": 'write "is given", "appears"',
    r"; it takes\b": 'write "it must be …"',
    r"\b[Tt]his takes\b|\btakes boto3\b": 'write "needs"',
    r", as \d|\bat most, as\b": 'write "such as 0.05"',
    r"\b(begin|start)s? anew\b": 'write "start again"',
    r"\bcarries \{…\}": 'write "accepts at most"',
    r"\bbehind its end\b": 'write "after"',
    r"\bon the side of AWS\b": 'write "AWS failed to"',
    r"\b(is|are) folded\b|\bfolds with\b": 'write "aggregates"',
    r"\bin the head\b": 'write "by hand"',
}


def read_by_users() -> Iterator[tuple[str, str]]:
    """Every line that a user can read, with its file: the messages, and the documentation that is written by hand."""
    for line in LIST.read_text(encoding="utf-8").splitlines():
        path, _, text = line.partition(": ")
        yield path, text
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))):
        if document != PAGE:  # the help, which is among the messages
            path = document.relative_to(ROOT).as_posix()
            yield from ((path, line) for line in document.read_text(encoding="utf-8").splitlines())


def stumbling_blocks() -> dict[str, list[str]]:
    """By file, its lines that a reader stumbles on, each with what to write."""
    found: dict[str, list[str]] = {}
    for path, text in read_by_users():
        found.setdefault(path, []).extend(f"{text!r}: {way}" for bad, way in BETTER.items() if re.search(bad, text))
    return {path: lines for path, lines in found.items() if lines}


def test_a_native_reader_does_not_stumble() -> None:
    assert stumbling_blocks() == {}


def test_the_list_has_sentences_and_help_and_words_of_pages() -> None:
    source = '''
"""A docstring of a module is not read by users."""

@click.command()
@click.option("--limit", help="How many rows.")
def run(limit: "a type") -> None:
    """Run a job.

    Twice.
    """
    raise InputError(f"has {limit} rows; " f"the most is {MOST if limit else 'not known'}")

def page():
    """Not this."""
    return el("td", "Rows", el("b", "mean"), class_="big none")
'''
    texts = ["How many rows.", "Run a job.", "Rows", "Twice.", "has {…} rows; the most is {…}", "mean"]
    assert sorted(set(texts_in(source, in_html=True)) - {"not known"}) == sorted(texts)
