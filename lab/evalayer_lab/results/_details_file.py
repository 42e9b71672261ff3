"""A details file as batches of cells, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from evalayer_lab.inputs import InputError

# What a column is for, and the names it may have, the first that is there before others.
_ROLES: Final[Mapping[str, Sequence[str]]] = {
    "metrics": ("metrics",),
    "prompt": ("example", "full_prompt"),
    "gold": ("gold",),
    "predictions": ("predictions",),
    "logprobs": ("pred_logprobs", "pred_logits"),
    "specifics": ("specifics",),
}
_TEXTS: Final = frozenset(name for names in _ROLES.values() for name in names)
_BATCH_BYTES: Final = 16 << 20
_BATCH_ROWS: Final = 1024
_DAMAGE: Final = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a details file.

    Attributes:
        first: the first row, from 0.
        rows: how many.
        columns: the cells by role, of the roles that were asked for and are there.
    """

    first: int
    rows: int
    columns: Mapping[str, Sequence[object]]


class DetailsFile:
    """An open details file.

    Args:
        path: the file.

    Raises:
        InputError: it is not a parquet file, or has no column `metrics`, or a column of numbers where texts should be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # Reading ahead costs memory and saves no time here.
            self._metadata = pq.read_metadata(path)
            # A long text in a dictionary can stand for any number of rows, so it is not copied for each.
            leaves = self._metadata.schema
            texts = [name for name in (leaves.column(leaf).path for leaf in range(len(leaves))) if name in _TEXTS]
            self._file = pq.ParquetFile(
                path, metadata=self._metadata, pre_buffer=False, buffer_size=1 << 20, read_dictionary=texts
            )
            schema = self._file.schema_arrow
        except _DAMAGE as error:
            raise self._damaged(error) from None
        self._columns: dict[str, str] = {}
        for role, names in _ROLES.items():
            present = [name for name in names if name in schema.names]
            if present:
                self._columns[role] = present[0]
        try:
            if "metrics" not in self._columns:
                raise InputError("there is no column `metrics`; is this a details file of an evaluation?", path=path)
            for column in self._columns.values():
                kind = schema.field(column).type
                if pa.types.is_primitive(kind):
                    raise InputError(f"the column is {kind}, not text", path=path, field=column)
        except InputError:
            self._file.close()
            raise

    def __enter__(self) -> DetailsFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def group_rows(self) -> list[int]:
        """The number of rows of each row group.

        Raises:
            InputError: the file's list of them is damaged.
        """
        try:
            rows = [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]
        except _DAMAGE as error:
            raise self._damaged(error) from None
        if any(count < 0 for count in rows):
            raise self._damaged(ValueError("a row group has a negative number of rows"))
        return rows

    def batches(
        self,
        groups: Sequence[int],
        *,
        first: int = 0,
        roles: Sequence[str] = tuple(_ROLES),
        share: int = 0,
        shares: int = 1,
    ) -> Iterator[Batch]:
        """Read row groups that follow one another.

        Args:
            groups: their indices.
            first: the row, from 0, that they begin with.
            roles: what columns to read.
            share: of every `shares` batches, the one to read, from 0.
            shares: how many readers share the work.

        Raises:
            InputError: the file is damaged.
        """
        columns = {role: self._columns[role] for role in roles if role in self._columns}
        names = list(dict.fromkeys(columns.values()))
        try:
            batches = self._file.iter_batches(
                batch_size=self._batch_rows(groups), row_groups=list(groups), columns=names, use_threads=False
            )
            for number, batch in enumerate(batches):
                if number % shares == share:
                    cells = {
                        role: _cells(batch.column(batch.schema.get_field_index(name))) for role, name in columns.items()
                    }
                    yield Batch(first, batch.num_rows, cells)
                first += batch.num_rows
        except _DAMAGE as error:
            raise self._damaged(error) from None

    def _batch_rows(self, groups: Sequence[int]) -> int:
        sizes = [self._metadata.row_group(group) for group in groups]
        largest = max((size.total_byte_size / size.num_rows for size in sizes if size.num_rows > 0), default=1.0)
        return max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / max(1.0, largest))))

    def _damaged(self, error: BaseException) -> InputError:
        reason = str(error).partition("\n")[0]
        return InputError(f"the parquet file is damaged: {reason}", path=self._path)


def _cells(column: pa.Array[Any]) -> Sequence[object]:
    if isinstance(column, pa.DictionaryArray):
        if _is_short(column):
            return column.dictionary_decode().to_pylist()
        texts = column.dictionary.to_pylist()
        return [None if index is None else texts[index] for index in column.indices.to_pylist()]
    if pa.types.is_nested(column.type):
        return column.to_pylist(maps_as_pydicts="lossy")
    return column.to_pylist()


def _is_short(column: pa.DictionaryArray[Any, Any]) -> bool:
    """Return whether the texts of all rows can be held at once."""
    if column.dictionary.nbytes * len(column) <= _BATCH_BYTES:
        return True
    import pyarrow.compute as pc

    texts: Any = column.dictionary
    return (pc.sum(pc.binary_length(texts).take(column.indices)).as_py() or 0) <= 4 * _BATCH_BYTES
