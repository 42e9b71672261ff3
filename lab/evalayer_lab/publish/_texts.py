"""The texts of all rows, read in the order of the files that they stand in, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from evalayer_lab.results import Results

TEXTS: Final = ("prompt", "answer", "gold")
_AT_ONCE: Final = 4096


def write_texts(results: Results, path: Path, on_rows: Callable[[int], object]) -> None:
    """Write `row_number`, `prompt`, `answer` and `gold` of every row to a Parquet file.

    Args:
        results: the run.
        path: the file.
        on_rows: is called with the number of rows that were read.

    Raises:
        InputError: a file of the run was changed since it was read.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields: list[pa.Field[Any]] = [pa.field("row_number", pa.int64())]
    schema = pa.schema(fields + [pa.field(name, pa.string()) for name in TEXTS])
    files, _ = results.codes("source_file")
    order = np.lexsort((results.column("source_row"), files))
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for start in range(0, len(order), _AT_ONCE):
            rows = [int(row) for row in order[start : start + _AT_ONCE]]
            found = results.texts(rows)
            columns = {name: [getattr(texts, name) for texts in found] for name in TEXTS}
            writer.write_table(pa.table({"row_number": rows, **columns}, schema))
            on_rows(len(rows))
