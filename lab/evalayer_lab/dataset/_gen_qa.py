"""Rows of `gen_qa.jsonl`: questions with their expected answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from os import PathLike, fspath

from evalayer_lab.dataset._findings import OnFinding, Reporter
from evalayer_lab.dataset._lines import read_lines
from evalayer_lab.dataset._rows import RowChecker


@dataclass(frozen=True, slots=True)
class Row:
    """A checked row, and where it stands.

    Attributes:
        line: the line in the file, from 1.
        query: the user's text.
        response: the expected answer.
        system: the system prompt, if any.
        metadata: the metadata text, if any.
        has_images: whether the row has images, which are not kept.
    """

    line: int
    query: str
    response: str
    system: str | None
    metadata: str | None
    has_images: bool

    @property
    def key(self) -> str:
        """A digest of the row's text: 32 hexadecimal digits, the same for the same content on any line."""
        digest = blake2b(digest_size=16)
        for part in (self.system, self.query, self.response, self.metadata):
            if part is None:
                digest.update(b"-")
            else:
                content = part.encode()
                digest.update(b"%d:%b" % (len(content), content))
        return digest.hexdigest()


def read_gen_qa(path: str | PathLike[str], *, on_finding: OnFinding, strict: bool = False) -> Iterator[Row]:
    """Read the rows of a `gen_qa` dataset, one at a time.

    Memory does not grow with the file. Rows with an error are reported and left out. Of one row, at most 8 unknown or
    repeated fields and the first bad image are reported.

    Args:
        path: a JSON Lines file in UTF-8.
        on_finding: is called with every finding, in order of line.
        strict: raise the first error instead of reporting it.

    Raises:
        InputError: the file cannot be read or has no rows; in strict mode also for the first bad row.
    """
    reporter = Reporter(fspath(path), on_finding, strict=strict)
    checker = RowChecker("gen_qa", reporter)
    checker.check_name()
    for row in checker.rows(read_lines(reporter)):
        texts = row.texts
        yield Row(
            row.line, texts["query"], texts["response"], texts.get("system"), texts.get("metadata"), row.has_images
        )
