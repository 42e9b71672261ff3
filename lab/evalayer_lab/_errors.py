"""The errors of the lab."""

from __future__ import annotations

from os import PathLike, fspath

from evalayer import EvalayerError


class InputError(EvalayerError):
    """Something the user gave cannot be used.

    The message reads `path:line: field: reason`, as far as these are known.

    Attributes:
        path: the file.
        line: its line, from 1.
        field: the field of the line or document.
        reason: what is wrong and what to do.
    """

    def __init__(
        self,
        reason: str,
        *,
        path: str | PathLike[str] | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.path = None if path is None else fspath(path)
        self.line = line
        self.field = field
        self.reason = reason
        place = self.path or ""
        if line is not None:
            place = f"{place}:{line}" if place else f"line {line}"
        super().__init__(": ".join(part for part in (place, field, reason) if part))
