"""Rows of a details file, from nested texts to columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evalayer_lab.answers import describe_answer, field_confidence
from evalayer_lab.inputs import InputError
from evalayer_lab.output import clean
from evalayer_lab.results._cells import (
    digest,
    name_columns,
    parse_answer,
    parse_gold,
    parse_metadata,
    parse_positions,
    parse_prompt,
    parse_scores,
)
from evalayer_lab.results._details_file import Batch, DetailsFile
from evalayer_lab.results._fields import MAX_LABEL
from evalayer_lab.results._pieces import Outcome, Piece, escaped
from evalayer_lab.results._row import ROW_SCHEMA, RowFacts, make_table

_MAX_NAMES: Final = 4096
_FLUSH_ROWS: Final = 1 << 14
_FLUSH_CELLS: Final = 1 << 23  # 64 MiB of doubles
_FLUSH_CHARACTERS: Final = 1 << 24  # of metadata
T = TypeVar("T")


def shred(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the rows of a piece and write them as columns, one parquet file for every 16,384 rows, or fewer long ones.

    Raises:
        InputError: the file is damaged, or a row holds something else than it should; with the row from 1.
    """
    piece = Piece.from_json(document)
    part = _Part(piece)
    with DetailsFile(Path(piece.file)) as file:
        if piece.partial:
            _read_what_can_be(file, piece, part)
        else:
            for batch in file.batches(piece.groups, first=piece.first, share=piece.share, shares=piece.shares):
                part.add(batch)
    part.flush()
    return asdict(part.outcome)


def refuse_many_names(count: int, folder: Path) -> None:
    """Raise InputError if rows report more names than there should be columns."""
    if count > _MAX_NAMES:
        reason = f"the rows report {count} different names, more than the {_MAX_NAMES} that are read"
        raise InputError(reason, path=folder)


def _read_what_can_be(file: DetailsFile, piece: Piece, part: _Part) -> None:
    """Read every row group by itself, so that a damaged one costs no rows of the others."""
    counts, first = file.group_rows, piece.first
    for group in piece.groups:
        reached = first
        try:
            for batch in file.batches([group], first=first, share=piece.share, shares=piece.shares):
                part.add(batch)
                reached = batch.first + batch.rows
        except InputError as error:
            lost = (first + counts[group] - reached) // piece.shares
            part.outcome.add_problem(f"{piece.name}: row group {group + 1}: {error.reason}", lost)
        first += counts[group]


class _Part:
    """Rows as they are read, by column, until there are enough of them to write."""

    def __init__(self, piece: Piece) -> None:
        self.outcome = Outcome()
        self._piece = piece
        self._names: dict[str, None] = {}
        self._label = _labeller(piece.field, piece.labels)
        self._begin()

    def add(self, batch: Batch) -> None:
        nothing: Sequence[object] = [None] * batch.rows
        columns = [
            batch.columns.get(role, nothing)
            for role in ("metrics", "prompt", "gold", "predictions", "logprobs", "specifics")
        ]
        for row, cells in enumerate(zip(*columns, strict=True), batch.first):
            try:
                self._add_row(row, *cells)
            except _BadCell as error:
                place = f"row {row + 1}: {error.column}"
                if not self._piece.partial:
                    raise InputError(error.reason, path=self._piece.file, field=place) from None
                self.outcome.add_problem(f"{self._piece.name}: {place}: {error.reason}", 1)

    def flush(self) -> None:
        """Write the rows to a file of their own."""
        if not self._rows:
            return
        table = make_table(self._rows, ROW_SCHEMA)
        columns: dict[str, Any] = dict(zip(table.column_names, table.columns, strict=True))
        for name, values in self._score_columns().items():
            columns[f"metric.{escaped(name)}"] = pa.array(values, from_pandas=True)  # NaN becomes null
        path = f"{self._piece.out}-{len(self.outcome.files)}.parquet"
        pq.write_table(pa.table(columns), path, compression="snappy", write_statistics=False)
        self.outcome.files.append(path)
        self.outcome.rows += len(self._rows)
        self.outcome.names = list(self._names)
        self._begin()

    def _begin(self) -> None:
        self._rows: list[RowFacts] = []
        self._characters = 0
        # Rows with the same keys, which are mostly all rows, become one matrix.
        self._rows_by_keys: dict[tuple[str, ...], list[int]] = {}
        self._values_by_keys: dict[tuple[str, ...], list[list[float]]] = {}

    def _add_row(
        self,
        row: int,
        metrics: object,
        prompt: object,
        gold: object,
        predictions: object,
        logprobs: object,
        specifics: object,
    ) -> None:
        scores = _at("metrics", parse_scores, metrics)
        positions = _at("log probabilities", parse_positions, logprobs)
        pairs = _at("specifics", parse_metadata, specifics)
        prompt_text, gold_text, answer = parse_prompt(prompt), parse_gold(gold), parse_answer(predictions)
        keys = tuple(scores)
        if keys not in self._rows_by_keys:
            self._names |= dict.fromkeys(name for _, name in name_columns(keys))
            refuse_many_names(len(self._names), Path(self._piece.file).parent)
        self._rows_by_keys.setdefault(keys, []).append(len(self._rows))
        self._values_by_keys.setdefault(keys, []).append(list(scores.values()))
        confidence = field_confidence(answer or "", positions, self._piece.field, self._piece.labels)
        facts = None if answer is None else describe_answer(answer, self._piece.field)
        self._rows.append(
            RowFacts(
                key=digest(prompt_text, gold_text).hex(),
                identity=digest(prompt_text, gold_text, answer),
                content=digest(answer, _text(metrics), _text(logprobs), _text(specifics)),
                metadata=pairs or None,
                metadata_unread=pairs is None,
                has_log_probabilities=bool(positions),
                gold_label=self._label(gold_text),
                predicted_label=None
                if facts is None
                else _canonical(facts.label, self._piece.field, self._piece.labels),
                confidence_first_token=confidence.first_token,
                confidence_joint=confidence.joint,
                confidence_geometric_mean=confidence.geometric_mean,
                confidence_renormalised=confidence.renormalised,
                confidence_low=confidence.low,
                confidence_high=confidence.high,
                confidence_tokens=confidence.tokens if positions else None,
                generated_is_largest=confidence.generated_is_largest,
                no_confidence=confidence.reason,
                answer_kind=None if facts is None else facts.kind,
                answer_characters=None if facts is None else facts.characters,
                hedges=None if facts is None else facts.hedges,
                source_file=self._piece.name,
                source_row=row,
            )
        )
        self._characters += len(specifics) if isinstance(specifics, str) else 0
        if (
            len(self._rows) >= _FLUSH_ROWS
            or len(self._rows) * len(self._names) >= _FLUSH_CELLS
            or self._characters >= _FLUSH_CHARACTERS
        ):
            self.flush()

    def _score_columns(self) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
        columns: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
        for keys, rows in self._rows_by_keys.items():
            matrix = np.array(self._values_by_keys[keys], dtype=np.float64)
            for index, name in name_columns(keys):
                if name not in columns:
                    columns[name] = np.full(len(self._rows), np.nan)
                columns[name][rows] = matrix[:, index]
        return columns


class _BadCell(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def _at(column: str, parse: Callable[[object], T], cell: object) -> T:
    try:
        return parse(cell)
    except ValueError as error:
        raise _BadCell(column, str(error)) from None


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str | None) else repr(cell)


def _labeller(field: str | None, labels: Sequence[str]) -> Callable[[str | None], str | None]:
    @lru_cache(maxsize=4096)
    def label(gold: str | None) -> str | None:
        return None if gold is None else _canonical(describe_answer(gold, field).label, field, tuple(labels))

    return label


def _canonical(label: str | None, field: str | None, labels: tuple[str, ...]) -> str | None:
    """The label as it is declared. One that is not declared stays as it is, unless it is a whole text."""
    if label is None:
        return None
    stripped = label.strip()
    known = _known(labels).get(stripped.casefold())
    if known is not None:
        return known
    return None if field is None or len(stripped) > MAX_LABEL else clean(stripped)


@lru_cache(maxsize=16)
def _known(labels: tuple[str, ...]) -> Mapping[str, str]:
    return {label.strip().casefold(): label for label in labels}
