"""What is known of a row, column by column, with the type of each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, NamedTuple, get_type_hints

import pyarrow as pa

_INNER: Final = "only of use until the rows are joined"
_Text = Annotated[str | None, pa.string()]
_Number = Annotated[float | None, pa.float64()]
_Metadata = Annotated[Sequence[tuple[str, str]] | None, pa.map_(pa.string(), pa.string()), _INNER]


class RowFacts(NamedTuple):
    """A row of the details. The columns of the table are documented in `Results`."""

    key: Annotated[str, pa.string(), _INNER]
    identity: Annotated[bytes, pa.binary(), _INNER]  # of prompt, gold and answer
    content: Annotated[bytes, pa.binary(), _INNER]  # of all the rest
    metadata: _Metadata
    metadata_unread: Annotated[bool, pa.bool_(), _INNER]
    has_log_probabilities: Annotated[bool, pa.bool_(), _INNER]
    gold_label: _Text
    predicted_label: _Text
    confidence_first_token: _Number
    confidence_joint: _Number
    confidence_geometric_mean: _Number
    confidence_renormalised: _Number
    confidence_low: _Number
    confidence_high: _Number
    confidence_tokens: Annotated[int | None, pa.int32()]
    generated_is_largest: Annotated[bool | None, pa.bool_()]
    no_confidence: _Text
    answer_kind: _Text
    answer_characters: Annotated[int | None, pa.int32()]
    hedges: Annotated[Sequence[str] | None, pa.list_(pa.string())]
    source_file: Annotated[str, pa.string()]
    source_row: Annotated[int, pa.int64()]


class ListedRow(NamedTuple):
    """A row that another list has: the answers, or the dataset."""

    key: Annotated[str, pa.string()]
    identity: Annotated[bytes | None, pa.binary()]  # None in a list without answers
    source_file: Annotated[str, pa.string()]
    position: Annotated[int, pa.int64()]  # the first byte of its line, or the number of the line
    metadata: _Metadata


def _annotations(record: type) -> dict[str, tuple[Any, ...]]:
    return {name: hint.__metadata__ for name, hint in get_type_hints(record, include_extras=True).items()}


ROW_SCHEMA: Final = pa.schema([(name, kind) for name, (kind, *_) in _annotations(RowFacts).items()])
LISTED_SCHEMA: Final = pa.schema([(name, kind) for name, (kind, *_) in _annotations(ListedRow).items()])
# The columns that the table of rows takes over as they are.
PLAIN_COLUMNS: Final = tuple(name for name, marks in _annotations(RowFacts).items() if _INNER not in marks)


def make_table(rows: Sequence[RowFacts] | Sequence[ListedRow], schema: pa.Schema) -> pa.Table:
    """A table of records of one kind."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
