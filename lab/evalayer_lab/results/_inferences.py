"""`inference_output.jsonl`: the answers as the container lists them, with the metadata of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from evalayer_lab.inputs import InputError
from evalayer_lab.results._cells import answer_of, digest, gold_of, pairs_of_text, prompt_of
from evalayer_lab.results._pieces import Outcome, Piece

_MAX_LINE: Final = 16 << 20
_CHUNK: Final = 8 << 20
_TYPES: Final[Mapping[str, pa.DataType]] = {
    "key": pa.string(),
    "identity": pa.binary(),
    "source_file": pa.string(),
    "position": pa.int64(),
    "metadata": pa.map_(pa.string(), pa.string()),
}
SCHEMA: Final = pa.schema(list(_TYPES.items()))


def chunks(path: Path) -> list[tuple[int, int]]:
    """Split a file into ranges of bytes; a line is of the range that it begins in.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from None
    return [(start, min(start + _CHUNK, size)) for start in range(0, size, _CHUNK)]


def list_inferences(piece: Piece) -> Outcome:
    """Read the lines of a range of bytes, and write what identifies each and its metadata to a parquet file.

    Raises:
        InputError: the file cannot be read, or a line is not of the form that the container writes.
    """
    outcome = Outcome()
    rows: list[tuple[object, ...]] = []
    try:
        with Path(piece.file).open("rb") as file:
            for position, line in _lines(file, piece):
                try:
                    rows.append(_row(piece, position, line))
                except ValueError as error:
                    if not piece.partial:
                        raise InputError(str(error), path=piece.file, line=line_at(file, position)) from None
                    outcome.add_problem(f"{piece.name}: line {line_at(file, position)}: {error}", 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=piece.file) from None
    path = f"{piece.out}.parquet"
    pq.write_table(table_of(rows), path, write_statistics=False)
    outcome.files.append(path)
    outcome.rows = len(rows)
    return outcome


def table_of(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """A table of rows of `SCHEMA`."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(_TYPES)
    arrays = {name: pa.array(values, _TYPES[name]) for name, values in zip(_TYPES, columns, strict=True)}
    return pa.table(arrays)


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


def _row(piece: Piece, position: int, line: bytes) -> tuple[object, ...]:
    if len(line) > _MAX_LINE:
        raise ValueError(f"longer than {_MAX_LINE >> 20} MiB")
    record: Any
    try:
        record = orjson.loads(line)
    except ValueError:
        record = _with_halves(line)
    if not isinstance(record, dict) or not {"prompt", "inference", "gold"} <= record.keys():
        raise ValueError("no JSON object with prompt, inference and gold")
    prompt, gold, answer = prompt_of(record["prompt"]), gold_of(record["gold"]), answer_of(record["inference"])
    metadata = record.get("metadata")
    pairs = pairs_of_text(metadata) if isinstance(metadata, str) else None
    return digest(prompt, gold).hex(), digest(prompt, gold, answer), piece.name, position, pairs or None


def _with_halves(line: bytes) -> object:
    """Parse a line with halves of surrogate pairs, which the faster parser refuses."""
    import json

    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
