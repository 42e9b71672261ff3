"""The rows that a run should have, from its dataset."""

# ruff: noqa: S608 (names and texts in queries are quoted by `sql`)

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from evalayer_lab.dataset import Row, read_gen_qa
from evalayer_lab.inputs import Findings
from evalayer_lab.output import Tree
from evalayer_lab.results import sql
from evalayer_lab.results._cells import digest, parse_gold, parse_metadata_text
from evalayer_lab.results._row import LISTED_SCHEMA, ListedRow, make_table
from evalayer_lab.results._texts import read_texts

_BATCH: Final = 8192
_SAMPLE: Final = 8
Frame = tuple[str, str]


def list_expected(
    dataset: Path, out: Path, tree: Tree, details: Sequence[str], signatures: Mapping[str, tuple[int, int]]
) -> list[str]:
    """Write the key and the metadata of each row of a dataset to a parquet file.

    A preprocess may have put a text before and behind each query. If no query is a prompt of the run as it is, a few
    prompts are looked up in the dataset, and what most of them have around the query is put around every query.

    Args:
        dataset: a `gen_qa` dataset.
        out: the file to write.
        tree: the run's files.
        details: parquet files that `shred` wrote.
        signatures: the size and the time of change of each details file.

    Returns:
        Notes for the reader, as sentences.

    Raises:
        InputError: the dataset cannot be read or has no rows.
    """
    notes = []
    n_bad = _write(dataset, out, ("", ""))
    if n_bad:
        notes.append(f"Rows of the dataset that have errors were left out: {n_bad}.")
    with sql.connect() as connection:
        rows = f"(SELECT key, source_file, source_row FROM {sql.parquet(details, ', union_by_name = true')})"
        matched = connection.execute(f"SELECT 1 FROM {rows} SEMI JOIN {sql.parquet([out])} USING (key) LIMIT 1")
        if matched.fetchall():
            return notes
        sample = connection.execute(
            f"SELECT source_file, source_row FROM {rows} ORDER BY key, source_file, source_row LIMIT {_SAMPLE}"
        ).fetchall()
    texts = read_texts(tree.folder, sample, signatures)
    frame = _frame(dataset, [(text.prompt or "", text.gold or "") for text in texts])
    if frame is None:
        return [*notes, "No row of the dataset matches a row of the run in prompt and gold."]
    _write(dataset, out, frame)
    return [*notes, "The prompts of the run are queries of the dataset with the same text around each."]


def _write(dataset: Path, out: Path, frame: Frame) -> int:
    """Write the rows; return how many have an error."""
    findings = Findings(limit=0)
    rows = read_gen_qa(dataset, on_finding=findings.add)
    with pq.ParquetWriter(out, LISTED_SCHEMA, write_statistics=False) as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(make_table([_listed(row, dataset.name, frame) for row in batch], LISTED_SCHEMA))
    return findings.bad_rows


def _listed(row: Row, name: str, frame: Frame) -> ListedRow:
    before, after = frame
    pairs = parse_metadata_text(row.metadata) if row.metadata else None
    return ListedRow(
        key=digest(f"{before}{row.query}{after}", parse_gold(row.response)).hex(),
        identity=None,
        source_file=name,
        position=row.line,
        metadata=pairs or None,
    )


def _frame(dataset: Path, sample: Sequence[tuple[str, str]]) -> Frame | None:
    """What stands before and behind the query in most prompts of a sample; None if no prompt holds a query."""
    longest: dict[int, str] = {}
    for query, response in _queries(dataset):
        for index, (prompt, gold) in enumerate(sample):
            if gold == response and len(query) > len(longest.get(index, "")) and query in prompt:
                longest[index] = query
    frames = Counter(_around(sample[index][0], query) for index, query in longest.items())
    return max(frames, key=lambda frame: (frames[frame], frame), default=None)


def _around(prompt: str, query: str) -> Frame:
    before, _, after = prompt.partition(query)
    return before, after


def _queries(dataset: Path) -> Iterator[tuple[str, str]]:
    for row in read_gen_qa(dataset, on_finding=lambda _: None):
        yield row.query, parse_gold(row.response) or ""
