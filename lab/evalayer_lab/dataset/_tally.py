"""What is counted of a part of a dataset."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from evalayer_lab.dataset._content import Content, KeyCounts
from evalayer_lab.dataset._kinds import Kind
from evalayer_lab.dataset._lines import WHOLE, LineReader, Span
from evalayer_lab.dataset._problem import Problem, Problems, Reporter
from evalayer_lab.dataset._rows import RowChecker

PROGRESS_ROWS: Final = 1000


@dataclass(slots=True)
class Tally:
    """A part of a dataset, counted.

    Attributes:
        problems: what is wrong; the lines are numbered from the part's own start.
        lines: the number of lines.
        rows: the number of those that are not blank.
        content: what the good rows hold.
    """

    problems: Problems
    lines: int = 0
    rows: int = 0
    content: Content = field(default_factory=Content)

    def merge(self, other: Tally) -> None:
        """Add the part of the file that follows."""
        self.problems.merge(other.problems, self.lines)
        self.lines += other.lines
        self.rows += other.rows
        self.content.merge(other.content)

    def to_json(self) -> dict[str, Any]:
        """The tally as values that JSON can hold."""
        content, problems = self.content, self.problems
        return {
            "lines": self.lines,
            "rows": self.rows,
            "problems": [problems.errors, problems.warnings, problems.bad_rows],
            "kept": [[kept.line, kept.field, kept.reason, kept.severity] for kept in problems.first],
            "good": content.rows,
            "lengths": {name: list(lengths.items()) for name, lengths in content.lengths.items()},
            "metadata": None
            if content.metadata is None
            else {key: [counts.rows, counts.values] for key, counts in content.metadata.items()},
            "digests": base64.b64encode(content.digests).decode(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], path: str, limit: int) -> Tally:
        """The tally that `to_json` gave."""
        problems = Problems(limit)
        problems.errors, problems.warnings, problems.bad_rows = values["problems"]
        for line, name, reason, severity in values["kept"]:
            problems.keep(Problem(path, line, name, reason, severity))
        metadata = values["metadata"]
        content = Content(
            rows=values["good"],
            lengths={name: dict(lengths) for name, lengths in values["lengths"].items()},
            metadata=None if metadata is None else {key: KeyCounts(*counts) for key, counts in metadata.items()},
            digests=array("Q", base64.b64decode(values["digests"])),
        )
        return cls(problems, values["lines"], values["rows"], content)


def tally(
    path: str,
    kind: Kind,
    span: Span = WHOLE,
    *,
    limit: int,
    strict: bool = False,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> Tally:
    """Count a part of a dataset.

    Raises:
        InputError: the file cannot be read or is of another format; in strict mode also for the first bad row.
    """
    counted = Tally(Problems(limit))
    reporter = Reporter(path, counted.problems.add, strict=strict)
    checker = RowChecker(kind, reporter)
    if not span[0]:
        checker.check_name()
    lines = LineReader(reporter, span)
    content = counted.content
    for row in checker.rows(lines):
        content.add(row)
        if content.rows % PROGRESS_ROWS == 0:
            on_progress(PROGRESS_ROWS)
    content.settle()
    counted.lines, counted.rows = lines.lines, lines.rows
    return counted
