"""The short cut and the parts of a file: neither may change what is reported."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.dataset import FACTS, DatasetReport, Kind, check_dataset
from evalayer_lab.inputs import InputError

FORBIDDEN = ("\0", "Bot:", "User:", "Assistant:", "[EOS]", "<image>", "<video>")
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


def is_flawless(line: str, kind: Kind) -> bool:
    """Whether nothing at all is wrong with a row."""
    facts = FACTS[kind]
    try:
        pairs: object = json.loads(line, object_pairs_hook=lambda pairs: pairs)
    except ValueError:
        return False
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        return False
    row = dict(pairs)
    return (
        len(row) == len(pairs)
        and set(facts.required) <= row.keys() <= set(facts.texts)
        and all(isinstance(text, str) and not any(phrase in text for phrase in FORBIDDEN) for text in row.values())
        and all(row[field].strip() for field in facts.filled)
        and sum(len(row.get(field, "").encode()) for field in facts.context) // 4 < (facts.tokens or sys.maxsize)
        and ("metadata" not in row or is_object(row["metadata"]))
    )


def is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@settings(max_examples=300)
@given(encoded.filter(str.strip), st.sampled_from(["gen_qa", "llm_judge"]))
def test_a_row_is_without_a_finding_if_nothing_is_wrong_with_it(tmp_path: Path, text: str, kind: Kind) -> None:
    line = text.replace("response", "response_A").replace("query", "prompt") if kind == "llm_judge" else text
    path = tmp_path / f"{kind}.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    try:
        report = check_dataset(path, kind)
    except InputError:  # the line begins a document
        assert not is_flawless(line, kind)
        return
    assert (report.errors + report.warnings == 0) == is_flawless(line, kind)


@contextmanager
def spans_of(size: int, *, interpreter: str = "") -> Iterator[None]:
    """Split every file into spans of a size, and share them, or without an interpreter count them in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evalayer_lab.dataset._check.SPAN_BYTES", size)
        patch.setattr("evalayer_lab.dataset._check.LARGE_BYTES", 0)
        patch.setattr(sys, "executable", interpreter)
        yield


def check_parts(path: Path, size: int, limit: int, *, interpreter: str = "") -> DatasetReport:
    with spans_of(size, interpreter=interpreter):
        return check_dataset(path, "gen_qa", max_problems=limit, workers=2)


@settings(max_examples=150)
@given(st.lists(encoded, max_size=12), st.integers(1, 120), st.integers(0, 5), st.sampled_from(["", "\n"]))
def test_the_parts_of_a_file_add_up_to_the_whole(
    tmp_path: Path, lines: list[str], size: int, limit: int, end: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    try:
        whole = check_dataset(path, "gen_qa", max_problems=limit, workers=1)
    except InputError:  # there are no rows, or the first line begins a document
        return
    assert check_parts(path, size, limit) == whole


@pytest.mark.parametrize(("keys", "values"), [(60, 150), (150, 1)])
def test_many_metadata_values_and_keys_add_up_too(tmp_path: Path, keys: int, values: int) -> None:
    path = tmp_path / "gen_qa.jsonl"
    metadata = [{"id": n % values, "few": n % 7, f"k{n % keys}": "v"} for n in range(900)]
    lines = [json.dumps({"query": "q", "response": "r", "metadata": json.dumps(one)}) for one in metadata]
    path.write_text("\n".join(lines), encoding="utf-8")
    whole = check_dataset(path, max_problems=3, workers=1)
    assert bool(whole.metadata) == (keys < 100)
    assert check_parts(path, 1000, 3) == whole
    assert check_parts(path, 20_000, 3, interpreter=sys.executable) == whole


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of more than 32 MiB, with a finding in every thousandth row."""
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
    assert [finding.place.line for finding in report.findings] == [999, 1000, 1999, 2000, 2999, 3000]
    assert report.duplicates == 600
    assert sum(counted) == report.good


def test_strict_stops_at_the_first_error_of_a_large_file(large: Path) -> None:
    with pytest.raises(InputError, match=r"gen_qa\.jsonl:999: response: is blank"):
        check_dataset(large, workers=2, strict=True)


@pytest.mark.parametrize("ends", ["exit 7", "read line; kill $$"])
def test_parts_whose_process_ended_are_counted_here(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{ends}\n")
    program.chmod(0o700)
    expected = check_dataset(large, workers=1)
    monkeypatch.setattr(sys, "executable", str(program))
    assert check_dataset(large, workers=2) == expected
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    assert check_dataset(large, workers=2) == expected


def test_an_error_in_a_process_is_raised_here(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_text("[\n" * 2, encoding="utf-8")
    with pytest.raises(InputError, match="is a JSON array"):
        check_parts(path, 2, 1, interpreter=sys.executable)


def test_processes_end_when_nobody_reads_on(large: Path) -> None:
    def stop(rows: int) -> None:
        raise KeyError(rows)

    def children() -> set[str]:
        return {pid for listed in Path("/proc/self/task").glob("*/children") for pid in listed.read_text().split()}

    before = children()
    with pytest.raises(KeyError):
        check_dataset(large, workers=2, on_progress=stop)
    assert children() <= before
