"""The details parquet: one row per folded row of the dataset, nested values as Python literals in text columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evalayer import JSONValue
from evalayer_lab._errors import InputError
from evalayer_lab._literal import parse_literal
from evalayer_lab.report._run_file import plain_name

_BATCH: Final = 4096
_MAX_CELLS: Final = 1 << 28  # rows times reported names: 2 GiB of doubles
_NUMBERS: Final = frozenset({float, int, bool})
T = TypeVar("T")


@dataclass(slots=True)
class Details:
    """What the details file holds, by column.

    Attributes:
        rows: the number of rows.
        columns: by reported name, shape (rows,); NaN where a row did not report the name.
        segments: by metadata key and value, the indices of the rows in ascending order.
        n_no_metadata: rows without metadata.
        n_unread_metadata: rows whose metadata is not a JSON object.
    """

    rows: int = 0
    columns: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    segments: dict[tuple[str, str], NDArray[np.intp]] = field(default_factory=dict)
    n_no_metadata: int = 0
    n_unread_metadata: int = 0


def read_details(path: Path) -> Details:
    """Read the metrics and the metadata of every row.

    Raises:
        InputError: the file is damaged, or a row holds something else than it should; with the row from 1.
    """
    details = Details()
    blocks: list[tuple[int, dict[str, NDArray[np.float64]]]] = []
    segments: dict[tuple[str, str], list[int]] = {}
    names: set[str] = set()
    for metrics, specifics in _batches(path):
        block = _block(metrics, details.rows, path)
        names.update(block)
        if (details.rows + len(metrics)) * len(names) > _MAX_CELLS:
            raise InputError(f"it reports {len(names)} different names: too many to hold for its rows", path=path)
        blocks.append((len(metrics), block))
        for row, text in enumerate(specifics, details.rows):
            pairs = _at_row(path, row, "specifics", _metadata, text)
            if pairs is None:
                details.n_unread_metadata += 1
            elif not pairs:
                details.n_no_metadata += 1
            for pair in pairs or ():
                segments.setdefault(pair, []).append(row)
        details.rows += len(metrics)
    for name in sorted(names):
        parts = [block.pop(name) if name in block else np.full(rows, np.nan) for rows, block in blocks]
        details.columns[name] = np.concatenate(parts)
    details.segments = {pair: np.array(rows, dtype=np.intp) for pair, rows in segments.items()}
    return details


def _batches(path: Path) -> Iterator[tuple[Sequence[str | None], Sequence[str | None]]]:
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:  # read ahead costs memory and saves no time here
            columns = [name for name in ("metrics", "specifics") if name in file.schema_arrow.names]
            if "metrics" not in columns:
                raise InputError("there is no column `metrics`; is this a details file of an evaluation?", path=path)
            for name in columns:
                kind = file.schema_arrow.field(name).type
                if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                    raise InputError(f"the column is {kind}, not text", path=path, field=name)
            for batch in file.iter_batches(batch_size=_BATCH, columns=columns, use_threads=False):
                metrics = batch.column("metrics").to_pylist()
                has_specifics = "specifics" in columns
                yield metrics, batch.column("specifics").to_pylist() if has_specifics else [None] * len(metrics)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"the parquet file is damaged: {str(error).partition(chr(10))[0]}", path=path) from None


def _block(metrics: Sequence[str | None], first_row: int, path: Path) -> dict[str, NDArray[np.float64]]:
    # Rows with the same keys, which are mostly all rows, become one matrix.
    rows_of: dict[tuple[str, ...], list[int]] = {}
    values_of: dict[tuple[str, ...], list[list[float]]] = {}
    for row, text in enumerate(metrics):
        scores = _at_row(path, first_row + row, "metrics", _scores, text)
        keys = tuple(scores)
        rows_of.setdefault(keys, []).append(row)
        values_of.setdefault(keys, []).append(list(scores.values()))
    block: dict[str, NDArray[np.float64]] = {}
    for keys, rows in rows_of.items():
        try:
            matrix = np.array(values_of[keys], dtype=np.float64)
        except OverflowError:  # an int beyond a double
            matrix = np.array([[_as_double(value) for value in row] for row in values_of[keys]], dtype=np.float64)
        if not np.isfinite(matrix).all():
            row, column = np.argwhere(~np.isfinite(matrix))[0]
            raise _row_error(path, first_row + rows[row], "metrics", f"{keys[column]} is not a finite number")
        for column, name in _layout(keys):
            if name not in block:
                block[name] = np.full(len(metrics), np.nan)
            block[name][rows] = matrix[:, column]
    return block


def _as_double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


@lru_cache(maxsize=256)
def _layout(keys: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """The columns to keep and their plain names; of two keys with one name, that with `lambda_` stays."""
    columns: dict[str, int] = {}
    for column, key in enumerate(keys):
        name = plain_name(key)
        if name not in columns or key != name:
            columns[name] = column
    return tuple((column, name) for name, column in columns.items())


def _scores(text: str | None) -> Mapping[str, float]:
    value = parse_literal(text or "")
    if not isinstance(value, dict):
        raise ValueError("not a dict of numbers")
    if not _NUMBERS.issuperset(map(type, value.values())):
        return _flattened(value)
    return value  # type: ignore[return-value]  # the types of its values were just checked


def _flattened(value: Mapping[str, JSONValue]) -> Mapping[str, float]:
    """Take in the values of dicts one level down: some tasks of the container put a group's name around them."""
    flat: dict[str, float] = {}
    for key, group in value.items():
        for name, number in group.items() if isinstance(group, dict) else ((key, group),):
            if not isinstance(number, int | float):
                raise ValueError(f"{_clean(name)} is a {type(number).__name__}, not a number")
            flat[name] = number
    return flat


@lru_cache(maxsize=4096)
def _metadata(text: str | None) -> tuple[tuple[str, str], ...] | None:
    """The key and value pairs of a row's metadata; None if it is not a JSON object."""
    specifics = parse_literal(text) if text else {}
    if not isinstance(specifics, dict):
        raise ValueError("not a dict")
    metadata = specifics.get("metadata")
    if metadata is None or metadata == "":
        return ()
    try:
        pairs = json.loads(metadata) if isinstance(metadata, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, dict):
        return None
    return tuple(
        (_clean(key), _clean(value if isinstance(value, str) else json.dumps(value)))
        for key, value in pairs.items()
        if isinstance(value, str | int | float)
    )


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _at_row(path: Path, row: int, column: str, parse: Callable[[str | None], T], text: str | None) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise _row_error(path, row, column, str(error)) from None


def _row_error(path: Path, row: int, column: str, reason: str) -> InputError:
    return InputError(reason, path=path, field=f"row {row + 1}: {column}")
