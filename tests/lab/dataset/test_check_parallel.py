"""The short cut and the parts of a file: neither may change what is reported."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.dataset import Kind, Problem, Problems, check_dataset
from evalayer_lab.dataset._content import Tally, tally
from evalayer_lab.dataset._lines import split_file
from evalayer_lab.dataset._problem import Reporter
from evalayer_lab.dataset._rows import RowChecker
from evalayer_lab.dataset._workers import _ask, tally_in_parallel
from evalayer_lab.inputs import InputError

texts = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["q", 'say "hi"', "a\\b", '\\"', "Bot:", "größe", " ", "\0", "{}", '{"a": "\\"b"}', "<image>", "木🌲"]
    ),
)
rows = st.dictionaries(st.sampled_from(["query", "response", "system", "metadata", "Query"]), texts, max_size=5)
encoded = st.one_of(
    st.builds(
        lambda row, ascii_only: json.dumps({"query": "q", "response": "r", **row}, ensure_ascii=ascii_only),
        rows,
        st.booleans(),
    ),
    st.builds(lambda row: json.dumps(row)[:-1] + ', "query": "again"}', rows),
    rows.map(json.dumps),
    st.sampled_from(
        [
            '{"query": "q", "response": "r", "query": "\\\\"}',
            '{"query": "\\u0055ser:", "response": "r"}',
            '{"query": "\\u0000", "response": "r"}',
            '["query", "response"]',
            '{"query": "q", "response": ["r"]}',
            '{"quer\\u0079": "q", "response": "r"}',
            '{"query": "' + "x" * 14_000 + '", "response": "r"}',
            "",
            "  ",
            "{",
        ]
    ),
)


@settings(max_examples=500)
@given(st.lists(encoded.filter(str.strip), min_size=1, max_size=3), st.sampled_from(["gen_qa", "llm_judge"]))
def test_what_is_seen_at_once_is_what_a_closer_look_finds(lines: list[str], kind: Kind) -> None:
    problems: list[Problem] = []
    checker = RowChecker(kind, Reporter("gen_qa.jsonl", problems.append, strict=False))
    for number, text in enumerate(lines, 1):
        line = text.replace("response", "response_A").replace("query", "prompt") if kind == "llm_judge" else text
        seen = checker._see_at_once(number, line.encode())
        if seen is not None:
            model, wrong = checker._read(line.encode())
            assert model is not None
            assert wrong == []
            assert checker._look_closely(model, number, line.encode()) == seen
            assert problems == []


@pytest.mark.parametrize(
    "line",
    [
        '{"query": "q", "response": "r"}',
        '{"response": "r", "query": "q", "system": ""}',
        '{"query": "say \\"hi\\" \\\\", "response": "größe 木", "metadata": "{\\"a\\": \\"\\\\\\"\\"}"}\r',
    ],
)
def test_good_rows_are_seen_at_once(line: str) -> None:
    checker = RowChecker("gen_qa", Reporter("gen_qa.jsonl", print, strict=False))
    assert checker._see_at_once(1, line.encode()) is not None


def parts(path: Path, size: int, limit: int) -> Tally:
    merged = Tally(Problems(limit))
    for span in split_file(str(path), size):
        part = tally(str(path), "gen_qa", span, limit=limit)
        merged.merge(Tally.from_json(json.loads(json.dumps(part.to_json())), str(path), limit))
    return merged


@settings(max_examples=150)
@given(st.lists(encoded, max_size=12), st.integers(1, 120), st.integers(0, 5), st.sampled_from(["", "\n"]))
def test_the_parts_of_a_file_add_up_to_the_whole(
    tmp_path: Path, lines: list[str], size: int, limit: int, end: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    try:
        whole = tally(str(path), "gen_qa", limit=limit)
    except InputError:  # the first line begins a document
        return
    assert parts(path, size, limit).to_json() == whole.to_json()


def test_many_metadata_values_and_keys_add_up_too(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    row = {"query": "q", "response": "r"}
    few = [{**row, "metadata": json.dumps({"id": n % 150, "few": n % 7, f"k{n % 60}": "v"})} for n in range(900)]
    path.write_text("".join(json.dumps(one) + "\n" for one in few), encoding="utf-8")
    whole = tally(str(path), "gen_qa", limit=3)
    assert whole.content.metadata is not None
    assert whole.content.metadata["id"].values is None
    assert parts(path, 1000, 3).to_json() == whole.to_json()
    many = [{**row, "metadata": json.dumps({f"k{n}": "v"})} for n in range(150)]
    path.write_text("".join(json.dumps(one) + "\n" for one in many), encoding="utf-8")
    whole = tally(str(path), "gen_qa", limit=3)
    assert whole.content.metadata is None
    assert parts(path, 1000, 3).to_json() == whole.to_json()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of more than 32 MiB, with a problem in every thousandth row."""
    path = tmp_path_factory.mktemp("large") / "gen_qa.jsonl"
    filler = "word " * 2000
    with path.open("w", encoding="utf-8") as file:
        for number in range(3600):
            row = {"query": f"{filler}{number % 3000}", "response": "r", "metadata": json.dumps({"n": number % 5})}
            if number % 1000 == 999:
                row["note"] = "x"
            if number % 1000 == 998:
                row["response"] = ""
            file.write(json.dumps(row) + "\n")
    assert path.stat().st_size > 32 * 2**20
    return path


def test_a_large_file_gives_the_same_report_with_any_number_of_workers(large: Path) -> None:
    counted: list[int] = []
    report = check_dataset(large, workers=3, on_progress=counted.append)
    assert report == check_dataset(large, workers=1)
    assert (report.rows, report.good, report.errors, report.warnings) == (3600, 3597, 3, 3)
    assert [problem.line for problem in report.problems] == [999, 1000, 1999, 2000, 2999, 3000]
    assert report.duplicates == 600
    assert sum(counted) == report.good


def test_strict_stops_at_the_first_error_of_a_large_file(large: Path) -> None:
    with pytest.raises(InputError, match=r"gen_qa\.jsonl:999: response: is blank"):
        check_dataset(large, workers=2, strict=True)


def test_spans_without_an_answer_are_counted_here(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_text('{"query": "q", "response": "r"}\n' * 1000, encoding="utf-8")
    spans = list(split_file(str(path), 10_000))
    counted = list(tally_in_parallel(str(path), "gen_qa", spans, limit=1, workers=2))
    assert [part.rows for part in counted] == [tally(str(path), "gen_qa", span, limit=1).rows for span in spans]
    assert [part.rows for part in tally_in_parallel(str(path), "gen_qa", spans, limit=1, workers=0)] == [
        part.rows for part in counted
    ]


@pytest.mark.parametrize("program", ["", "print('no JSON')", "print('[]')"])
def test_a_worker_that_has_ended_has_no_answer(program: str) -> None:
    with Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE) as worker:
        worker.wait()
        assert _ask(worker, {"path": "gen_qa.jsonl"}) is None
        worker.communicate()


def test_an_error_in_a_worker_is_raised_here(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_text("[\n", encoding="utf-8")
    with pytest.raises(InputError, match="is a JSON array"):
        list(tally_in_parallel(str(path), "gen_qa", [(0, 10)], limit=1, workers=1))


def test_workers_end_when_nobody_reads_on(large: Path) -> None:
    spans = split_file(str(large), 2**20)
    counting = tally_in_parallel(str(large), "gen_qa", spans, limit=1, workers=2)
    next(counting)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(600)  # rather a failure than a test that hangs
    try:
        counting.close()  # type: ignore[attr-defined]  # a generator
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
