"""The first read of a run: from its files to a table of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial as bind
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow.parquet as pq

from evalayer_lab._processes import cores, work_all
from evalayer_lab.inputs import InputError
from evalayer_lab.output import CORRECT, UNSCORED, MetricInfo, RunRecord, read_record, read_reported
from evalayer_lab.results._assemble import MAX_KEYS, Assembly
from evalayer_lab.results._cells import plain_name
from evalayer_lab.results._details_file import DetailsFile
from evalayer_lab.results._fields import find_labelling
from evalayer_lab.results._inferences import chunks, line_at
from evalayer_lab.results._join import JoinReport
from evalayer_lab.results._pieces import MAX_PROBLEMS, WORK, Outcome, Piece, Request
from evalayer_lab.results._results import Content
from evalayer_lab.results._row import ROW_SCHEMA
from evalayer_lab.results._shred import refuse_many_names
from evalayer_lab.results._store import ROWS

_PIECE_ROWS: Final = 1 << 14
_SPLIT_ROWS: Final = 1 << 16  # a row group with more rows is shared between processes
_ALONE_ROWS: Final = 4000  # with fewer rows, starting processes takes longer than the work
_MAX_WORKERS: Final = 16
T = TypeVar("T")


def build(request: Request, folder: Path) -> Content:
    """Read a run and write its table of rows.

    Args:
        request: what to read.
        folder: an empty folder for the table, which also takes what is needed on the way there.

    Raises:
        InputError: something of the run is damaged, missing, or of another run.
    """
    tree = request.tree
    notes = list(tree.notes)
    run, reported = _read_statements(request, notes)
    labelling = find_labelling(tree.details, _list_metrics(run, reported), field=request.field, labels=request.labels)
    work = folder / WORK
    work.mkdir()
    piece = Piece("", "", "", field=labelling.field, labels=labelling.labels, partial=request.partial)
    details, problems = _read_details(request, piece, work)
    answers = _read_answers(request, piece, work, sum(outcome.rows for outcome in details))
    problems += [problem for outcome in answers for problem in outcome.problems]
    pq.write_table(ROW_SCHEMA.empty_table(), work / "empty.parquet")
    parts = [str(work / "empty.parquet"), *(file for outcome in details for file in outcome.files)]
    expected = None
    if request.dataset is not None:
        from evalayer_lab.results._expected import list_expected

        expected = [str(work / "expected.parquet")]
        notes += list_expected(request.dataset, Path(expected[0]), tree, parts, request.files)
    names = sorted({name for outcome in details for name in outcome.names})
    refuse_many_names(len(names), tree.folder)
    metrics = _list_metrics(run, names)
    files = [file for outcome in answers for file in outcome.files]
    with closing(Assembly(work, parts, files, expected)) as assembly:
        keys, n_keys = assembly.metadata_keys()
        columns = assembly.write(folder / ROWS, names, metrics, keys)
        join = assembly.report(
            unread=sum(outcome.unread for outcome in details), find_line=bind(_find_line, tree.folder)
        )
        digest = assembly.digest()
        answers_match = assembly.answers_match
    _check_count(request, run, join.rows, notes)
    if tree.run_file is None:
        notes.append(
            "There is no run.json: the metrics are inferred from the names that the rows report, and whether "
            "higher is better is known of classifications only."
        )
    notes += [*labelling.notes, *_notes_on_rows(join, n_keys, answers_match=answers_match), *_notes_on_losses(problems)]
    return Content(
        run=run,
        reported=reported,
        metrics=metrics,
        join=join,
        notes=tuple(notes),
        digest=digest,
        rows=join.rows,
        field=labelling.field,
        labels=labelling.labels,
        stored_names=columns,
    )


def _notes_on_rows(join: JoinReport, n_keys: int, *, answers_match: bool) -> Iterator[str]:
    if n_keys > MAX_KEYS:
        yield f"The metadata has {n_keys} different keys; the {MAX_KEYS} most frequent are kept."
    if not answers_match:
        yield "No line of inference_output.jsonl matches a row of the details in prompt, gold and answer."
    if join.unread_metadata.count:
        count = join.unread_metadata.count
        which = "1 row has" if count == 1 else f"{count} rows have"
        yield f"{which} metadata that is not a JSON object, and is in no segment."


def _notes_on_losses(problems: Sequence[str]) -> Iterator[str]:
    yield from (f"Not read: {problem}" for problem in problems[:MAX_PROBLEMS])
    if len(problems) > MAX_PROBLEMS:
        yield f"Not read: {len(problems) - MAX_PROBLEMS} more places."


def _read_statements(request: Request, notes: list[str]) -> tuple[RunRecord, dict[str, float]]:
    """What `run.json` and `results_*.json` say; with `partial`, as far as they can be read."""

    def read(file: Path | None, reader: Callable[[Path], T], unknown: T) -> T:
        try:
            return unknown if file is None else reader(file)
        except InputError as error:
            if not request.partial:
                raise
            notes.append(f"Not read: {file}: {error.reason}")
            return unknown

    tree = request.tree
    run = read(tree.run_file, read_record, RunRecord(run_name=tree.folder.resolve().name))
    reported: dict[str, float] = read(tree.results_file, read_reported, {})
    bare = {key: value for key, value in reported.items() if plain_name(key) == key}
    return run, bare | {plain_name(key): value for key, value in reported.items() if key not in bare}


def _list_metrics(run: RunRecord, names: Iterable[str]) -> tuple[MetricInfo, ...]:
    """Every metric of the rows: the task's in order of declaration, then others, inferred, in order of name."""
    declared = {name for metric in run.metrics for name in (*metric.reported, metric.name + UNSCORED)}
    inferred: dict[str, list[str]] = {}
    for name in sorted(names):
        if name not in declared:
            metric, _, part = name.partition(".")
            inferred.setdefault(metric or name, []).append(part)
    others = []
    for name, parts in inferred.items():
        if "" in parts:  # it reports a number of its own
            others.append(MetricInfo(name=name))
        elif parts != ["unscored"]:
            values = tuple(part for part in parts if part != "unscored")
            others.append(MetricInfo(name=name, parts=values, higher_is_better=True if CORRECT in values else None))
    known = {metric.name for metric in run.metrics}
    return (*run.metrics, *(metric for metric in others if metric.name not in known))


def _read_details(request: Request, piece: Piece, work: Path) -> tuple[list[Outcome], list[str]]:
    problems: list[str] = []
    group_rows: dict[Path, list[int]] = {}
    for path in request.tree.details:
        try:
            with DetailsFile(path) as file:
                group_rows[path] = file.group_rows
        except InputError as error:
            if not request.partial:
                raise
            problems.append(f"{request.tree.relative_name(path)}: {error.reason}")
    total = sum(sum(rows) for rows in group_rows.values())
    workers = _count_workers(total)
    pieces: list[Piece] = []
    for path, rows in group_rows.items():
        own = replace(piece, file=str(path), name=request.tree.relative_name(path))
        for first, groups, shares in _plan(rows, workers):
            for share in range(shares):
                out = str(work / f"details-{len(pieces)}")
                pieces.append(replace(own, out=out, groups=groups, first=first, share=share, shares=shares))
    outcomes: list[Outcome] = []
    done = 0
    for outcome in _read_all("evalayer_lab.results._shred:shred", pieces, workers):
        outcomes.append(outcome)
        done += outcome.rows + outcome.unread
        if request.on_progress is not None:
            request.on_progress(done, total)
    return outcomes, problems + [problem for outcome in outcomes for problem in outcome.problems]


def _plan(rows: Sequence[int], workers: int) -> list[tuple[int, tuple[int, ...], int]]:
    """Row groups that follow one another, with the first row of each piece, and by how many processes it is shared."""
    pieces: list[tuple[int, tuple[int, ...], int]] = []
    groups: list[int] = []
    first = begin = 0
    for group, count in enumerate(rows):
        groups.append(group)
        first += count
        if first - begin >= _PIECE_ROWS or group == len(rows) - 1:
            pieces.append((begin, tuple(groups), workers if first - begin > _SPLIT_ROWS else 1))
            groups, begin = [], first
    return pieces


def _read_answers(request: Request, piece: Piece, work: Path, rows: int) -> list[Outcome]:
    pieces: list[Piece] = []
    for path in request.tree.inferences:
        name = request.tree.relative_name(path)
        for start, end in chunks(path):
            out = str(work / f"answers-{len(pieces)}")
            pieces.append(replace(piece, file=str(path), name=name, out=out, first=start, end=end))
    return list(_read_all("evalayer_lab.results._inferences:list_inferences", pieces, _count_workers(rows)))


def _read_all(task: str, pieces: Iterable[Piece], workers: int) -> Iterator[Outcome]:
    for outcome in work_all(task, map(asdict, pieces), workers=workers, on_loss=_give_up):
        yield Outcome(**outcome)


def _give_up(piece: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
    """The outcome of a piece whose process ended. It is not read again here, for memory may have run out."""
    reason = f"the process that read it {reason}; it may be damaged, or memory may have run out"
    if not piece["partial"]:
        raise InputError(reason, path=piece["file"])
    return asdict(Outcome(problems=[f"{piece['name']}: {reason}"]))


def _count_workers(rows: int) -> int:
    return min(cores(), _MAX_WORKERS) if rows > _ALONE_ROWS else 1


def _find_line(folder: Path, name: str, position: int) -> int:
    with (folder / name).open("rb") as file:
        return line_at(file, position)


def _check_count(request: Request, run: RunRecord, rows: int, notes: list[str]) -> None:
    if run.rows is None or run.rows.scored == rows:
        return
    reason = f"there are {rows} rows, but run.json says that {run.rows.scored} were scored"
    if not request.partial:
        path = request.tree.details[0] if len(request.tree.details) == 1 else request.tree.folder
        raise InputError(f"{reason}; one of the two belongs to another run, or is cut short", path=path)
    notes.append(f"{reason[0].upper()}{reason[1:]}.")
