"""Recorded answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer_lab.backends import Request
from evalayer_lab.backends.replay import ReplayBackend
from evalayer_lab.inputs import InputError


def _write(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _ask(backend: ReplayBackend, query: str, occurrence: int = 0) -> str:
    (generation,) = backend.generate([Request(query, None, f"prepared {query}", occurrence)])
    return generation.error or generation.text


def test_answers_by_query(tmp_path: Path) -> None:
    backend = ReplayBackend(
        _write(tmp_path / "a.jsonl", {"query": "one", "inference": "1"}, {"query": "two", "inference": "2"})
    )
    assert [_ask(backend, "two"), _ask(backend, "one")] == ["2", "1"]


def test_a_row_without_an_answer_is_an_error_not_an_empty_answer(tmp_path: Path) -> None:
    backend = ReplayBackend(_write(tmp_path / "a.jsonl", {"query": "one", "inference": ""}))
    (recorded, missing) = backend.generate([Request("one", None, "one"), Request("two", None, "two")])
    assert (recorded.text, recorded.error) == ("", None)
    assert missing.error == "no recorded answer for this row"


def test_rows_of_one_content_take_their_answers_in_order(tmp_path: Path) -> None:
    backend = ReplayBackend(
        _write(tmp_path / "a.jsonl", {"query": "same", "inference": "first"}, {"query": "same", "inference": "second"})
    )
    assert [_ask(backend, "same", occurrence) for occurrence in (0, 1, 2)] == ["first", "second", "second"]


def test_reads_what_the_container_writes(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": 'it\'s "quoted"\n'}]
    backend = ReplayBackend(
        _write(
            tmp_path / "inference_output.jsonl",
            {"prompt": repr(messages), "inference": repr(["<|begin_of_solution|>4"]), "gold": "4", "metadata": "{}"},
        )
    )
    (generation,) = backend.generate([Request("raw", "be brief", 'it\'s "quoted"\n')])
    assert generation.text == "<|begin_of_solution|>4"
    (other_system,) = backend.generate([Request("raw", None, 'it\'s "quoted"\n')])
    assert other_system.error is not None


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("{", None, "not JSON"),
        ("[]", None, "not a JSON object"),
        ('{"query": "a"}', "inference", "must be text"),
        ('{"inference": "a"}', "query", "missing"),
        ('{"inference": "a", "prompt": "hi"}', "prompt", "literal"),
        ('{"inference": "a", "prompt": "[]"}', "prompt", "no user message"),
        (
            "{\"inference\": \"[]\", \"prompt\": \"[{'role': 'user', 'content': 'x'}]\"}",
            "inference",
            "not a list of answers",
        ),
        (
            "{\"inference\": \"__import__('os')\", \"prompt\": \"[{'role': 'user', 'content': 'x'}]\"}",
            "inference",
            "literal",
        ),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, field: str | None, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"query": "fine", "inference": "fine"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=reason) as caught:
        ReplayBackend(path)
    assert (caught.value.line, caught.value.field) == (2, field)


def test_a_missing_and_an_empty_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        ReplayBackend(tmp_path / "nowhere.jsonl")
    with pytest.raises(InputError, match="no recorded answer"):
        ReplayBackend(_write(tmp_path / "empty.jsonl"))


@given(st.binary(max_size=300))
def test_any_bytes_are_answers_or_a_named_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("replay") / "a.jsonl"
    path.write_bytes(data)
    try:
        backend = ReplayBackend(path)
    except InputError:
        return
    assert backend.generate([Request("q", None, "q")])
