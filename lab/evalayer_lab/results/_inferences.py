"""`inference_output.jsonl`: the answers as the container lists them, with the metadata of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
import pyarrow.parquet as pq

from evalayer_lab.inputs import InputError, reading
from evalayer_lab.results._cells import digest, parse_answer, parse_gold, parse_metadata_text, parse_prompt
from evalayer_lab.results._pieces import Outcome, Piece
from evalayer_lab.results._row import LISTED_SCHEMA, ListedRow, make_table

_MAX_LINE: Final = 16 << 20
_CHUNK: Final = 8 << 20


def chunks(path: Path) -> list[tuple[int, int]]:
    """Split a file into ranges of bytes; a line is of the range that it begins in.

    Raises:
        InputError: the file cannot be read.
    """
    with reading(path):
        size = path.stat().st_size
    return [(start, min(start + _CHUNK, size)) for start in range(0, size, _CHUNK)]


def list_inferences(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the lines of a piece, and write what identifies each and its metadata to a parquet file.

    Raises:
        InputError: the file cannot be read, or a line is not of the form that the container writes.
    """
    piece = Piece.from_json(document)
    outcome = Outcome()
    rows: list[ListedRow] = []
    with reading(piece.file), Path(piece.file).open("rb") as file:
        for position, line in _lines(file, piece):
            try:
                rows.append(_row(piece, position, line))
            except ValueError as error:
                if not piece.partial:
                    raise InputError(str(error), path=piece.file, line=line_at(file, position)) from None
                outcome.add_problem(f"{piece.name}: line {line_at(file, position)}: {error}", 1)
    path = f"{piece.out}.parquet"
    pq.write_table(make_table(rows, LISTED_SCHEMA), path, write_statistics=False)
    outcome.files.append(path)
    outcome.rows = len(rows)
    return asdict(outcome)


def line_at(file: BinaryIO, position: int) -> int:
    """The number, from 1, of the line that begins at a byte. The file's position stays as it is."""
    before = file.tell()
    file.seek(0)
    number = 1
    while position > 0 and (chunk := file.read(min(position, 1 << 20))):
        number += chunk.count(b"\n")
        position -= len(chunk)
    file.seek(before)
    return number


def _lines(file: BinaryIO, piece: Piece) -> Iterator[tuple[int, bytes]]:
    if piece.first:  # the line that the byte before belongs to is of an earlier range
        file.seek(piece.first - 1)
        while (rest := file.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
            pass
    while (position := file.tell()) < piece.end:
        line = file.readline(_MAX_LINE + 1)
        if not line:
            return
        if len(line) > _MAX_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        if not line.isspace():
            yield position, line


def _row(piece: Piece, position: int, line: bytes) -> ListedRow:
    if len(line) > _MAX_LINE:
        raise ValueError(f"longer than {_MAX_LINE >> 20} MiB")
    record: Any
    try:
        record = orjson.loads(line)
    except ValueError:
        record = _with_halves(line)
    if not isinstance(record, dict) or not {"prompt", "inference", "gold"} <= record.keys():
        raise ValueError("not a JSON object with prompt, inference and gold")
    prompt, gold, answer = parse_prompt(record["prompt"]), parse_gold(record["gold"]), parse_answer(record["inference"])
    metadata = record.get("metadata")
    pairs = parse_metadata_text(metadata) if isinstance(metadata, str) else None
    return ListedRow(
        key=digest(prompt, gold).hex(),
        identity=digest(prompt, gold, answer),
        source_file=piece.name,
        position=position,
        metadata=pairs or None,
    )


def _with_halves(line: bytes) -> object:
    """Parse a line with halves of surrogate pairs, which the faster parser refuses."""
    import json

    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
