from __future__ import annotations

import gzip
import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.dataset import KINDS, Code, DatasetReport, Kind, check_dataset, detect_kind
from evalayer_lab.inputs import InputError

IMAGE = {"data": "data:image/png;base64,AA=="}
GOOD: Mapping[Kind, Mapping[str, object]] = {
    "gen_qa": {"query": "q", "response": "r"},
    "llm_judge": {"prompt": "p", "response_A": "a", "response_B": "b"},
    "rubric_llm_judge": {"prompt": "p", "response_A": "a", "response_B": "b"},
    "mm_llm_judge": {"prompt": "p", "response_A": "a", "response_B": "b", "images": [IMAGE]},
    "rft_eval": {"messages": [{"role": "user", "content": "u"}], "reference_answer": {"n": 4}},
}
NAMES: Mapping[Kind, str] = {
    "gen_qa": "gen_qa.jsonl",
    "llm_judge": "llm_judge.jsonl",
    "rubric_llm_judge": "llm_judge.jsonl",
    "mm_llm_judge": "mm_llm_judge.jsonl",
    "rft_eval": "anything.jsonl",
}


def written(folder: Path, name: str, rows: Sequence[object]) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def check(folder: Path, kind: Kind, *rows: object) -> DatasetReport:
    return check_dataset(written(folder, NAMES[kind], rows), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_row_of_every_kind_has_no_problem(tmp_path: Path, kind: Kind) -> None:
    report = check(tmp_path, kind, GOOD[kind], GOOD[kind])
    assert (report.kind, report.rows, report.good, report.findings) == (kind, 2, 2, ())
    assert report.duplicates == (0 if kind == "mm_llm_judge" else 1)


@pytest.mark.parametrize(
    ("kind", "change", "field", "words"),
    [
        ("llm_judge", {"prompt": " "}, "prompt", "is blank"),
        ("llm_judge", {"response_A": 3}, "response_A", "is a number, not text"),
        ("llm_judge", {"response_B": None}, "response_B", "is null, not text"),
        ("rubric_llm_judge", {"response_B": "\0"}, "response_B", "NUL"),
        ("mm_llm_judge", {"images": []}, "images", "is an empty list"),
        ("mm_llm_judge", {"images": [{"data": "s3://b/a.png"}]}, "images[0].data", "an S3 URI, which is not read"),
        ("mm_llm_judge", {"images": [IMAGE, {"data": "x"}]}, "images[1].data", "is not image data"),
        ("mm_llm_judge", {"images": [{"url": "x"}]}, "images[0].data", "this image has url"),
        ("rft_eval", {"messages": "hi"}, "messages", "is text, not a list"),
        ("rft_eval", {"messages": ["hi"]}, "messages[0]", 'not an object {"role": "user"'),
        ("rft_eval", {"messages": []}, "messages", "has 0 user turns"),
        ("rft_eval", {"messages": [{"role": "user"}]}, "messages[0].content", "this message has role"),
        ("rft_eval", {"messages": [{"role": "user", "content": " "}]}, "messages[0].content", "is blank"),
        ("rft_eval", {"messages": [{"role": "user", "content": None}]}, "messages[0].content", "is null, not text"),
        ("rft_eval", {"messages": [{"role": "user", "content": []}]}, "messages[0].content", "is an empty list"),
        (
            "rft_eval",
            {"messages": [{"role": "user", "content": [{"type": "image", "text": "t"}]}]},
            "messages[0].content[0].type",
            "only text",
        ),
        (
            "rft_eval",
            {"messages": [{"role": "user", "content": ["t"]}]},
            "messages[0].content[0]",
            'not an object {"type": "text"',
        ),
        ("rft_eval", {"messages": [{"role": "tool", "content": "t"}]}, "messages[0].role", "neither system nor user"),
        (
            "rft_eval",
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]},
            "messages[1].role",
            "is the model's turn",
        ),
        ("rft_eval", {"messages": [{"role": "user", "content": "u"}] * 2}, "messages", "has 2 user turns"),
        (
            "rft_eval",
            {"messages": [{"role": "user", "content": "u"}, {"role": "system", "content": "s"}]},
            "messages",
            "not the first message",
        ),
    ],
)
def test_a_bad_row_of_any_kind_is_named(
    tmp_path: Path, kind: Kind, change: Mapping[str, object], field: str, words: str
) -> None:
    report = check(tmp_path, kind, GOOD[kind], {**GOOD[kind], **change})
    assert (report.good, report.errors) == (1, 1)
    assert (report.findings[0].place.line, report.findings[0].place.field) == (2, field)
    assert words in report.findings[0].reason


@pytest.mark.parametrize("kind", KINDS)
def test_every_required_field_is_missed(tmp_path: Path, kind: Kind) -> None:
    report = check(tmp_path, kind, {"x": 1})
    required = {"rft_eval": {"messages"}}.get(kind, set(GOOD[kind]))
    assert {finding.place.field for finding in report.findings} == required
    assert all("is missing; this row has x" in finding.reason for finding in report.findings)


@pytest.mark.parametrize(
    ("kind", "change", "field", "words"),
    [
        ("gen_qa", {"query": "x" * 13_990, "system": "y" * 10}, "query", "is about 3,500 tokens long with system"),
        ("llm_judge", {"response_A": "木" * 16_000}, "prompt", "is about 12,000 tokens long"),
        ("llm_judge", {"response_B": "User: hi"}, "response_B", "holds 'User:'"),
        ("llm_judge", {"response_a": "x"}, "response_a", "did you mean response_A?"),
        ("mm_llm_judge", {"prompt": "<image> what?"}, "prompt", "holds '<image>'"),
        ("rft_eval", {"refrence_answer": 1}, "refrence_answer", "did you mean reference_answer?"),
        ("rft_eval", {"reference_answer": "Bot: x"}, "reference_answer", "holds 'Bot:'"),
    ],
)
def test_what_is_doubtful_is_a_warning(
    tmp_path: Path, kind: Kind, change: Mapping[str, object], field: str, words: str
) -> None:
    report = check(tmp_path, kind, {**GOOD[kind], **change})
    assert (report.good, report.errors) == (1, 0)
    assert [(finding.severity, finding.place.field) for finding in report.findings] == [("warning", field)]
    assert words in report.findings[0].reason


def test_a_row_just_below_the_documented_length_is_fine(tmp_path: Path) -> None:
    assert (
        check(tmp_path, "gen_qa", {"query": "x" * 13_989, "system": "y" * 10, "response": "z" * 99_999}).findings == ()
    )


def test_rft_rows_may_have_more_fields_and_any_reference_answer(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    row = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": parts}], "id": "x", "level": 3}
    answers = [None, True, 3.5, "text", [1], {"a": {"b": 1}}]
    report = check(tmp_path, "rft_eval", *({**row, "reference_answer": answer} for answer in answers))
    assert (report.good, report.findings) == (6, ())
    assert report.lengths["user"].max == 2
    assert list(report.lengths) == ["system", "user", "reference_answer"]
    assert "is missing" in check(tmp_path, "rft_eval", row).findings[0].reason


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("gen_qa", "rows.jsonl", "a file called gen_qa.jsonl"),
        ("rubric_llm_judge", "rubric_llm_judge.jsonl", "a file called llm_judge.jsonl"),
        ("mm_llm_judge", "images.jsonl", "a file called mm_llm_judge.jsonl or llm_judge.jsonl"),
        ("rft_eval", "rows.json", "ends in .jsonl"),
    ],
)
def test_the_file_name_is_checked(tmp_path: Path, kind: Kind, name: str, words: str) -> None:
    report = check_dataset(written(tmp_path, name, [GOOD[kind]]), kind)
    assert [(finding.place.line, finding.severity) for finding in report.findings] == [(None, "warning")]
    assert words in report.findings[0].reason


@pytest.mark.parametrize("kind", ["gen_qa", "llm_judge", "mm_llm_judge", "rft_eval"])
def test_the_kind_is_told_by_the_fields_of_any_name(tmp_path: Path, kind: Kind) -> None:
    assert detect_kind(written(tmp_path, "rows.jsonl", ["no row", GOOD[kind]])) == kind
    assert check_dataset(written(tmp_path, NAMES[kind], [GOOD[kind]])).kind == kind


def test_the_name_goes_before_the_fields(tmp_path: Path) -> None:
    assert detect_kind(written(tmp_path, "gen_qa.jsonl", [GOOD["rft_eval"]])) == "gen_qa"
    assert detect_kind(written(tmp_path, "llm_judge.jsonl", [GOOD["mm_llm_judge"]])) == "mm_llm_judge"
    assert detect_kind(written(tmp_path, "mm_llm_judge.jsonl", [GOOD["llm_judge"]])) == "mm_llm_judge"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"question": 1},
            r"not of a known kind: its first row has question; .* gen_qa for query, response; llm_judge for",
        ),
        (
            {"query": "q", "messages": []},
            r"could be of several kinds: .* gen_qa for query, response; rft_eval for messages$",
        ),
        ([], "its first row has no fields"),
    ],
)
def test_a_kind_that_cannot_be_told_names_the_candidates(tmp_path: Path, row: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_dataset(written(tmp_path, "rows.jsonl", [row]))


def test_a_pipe_is_read_once_and_needs_its_kind(tmp_path: Path) -> None:
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="read twice; give the kind"):
        check_dataset(pipe)
    content = json.dumps(GOOD["gen_qa"]) + "\n"
    writer = threading.Thread(target=pipe.write_text, args=(content,))
    writer.start()
    assert check_dataset(pipe, "gen_qa").rows == 1
    writer.join()


@pytest.mark.parametrize("suffix", ["csv", "TSV"])
def test_a_table_is_to_be_converted(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"faq.{suffix}"
    path.write_text("\ufeffquestion;answer\nq;r\n", encoding="utf-8")
    way_out = f"convert it: evalayer dataset convert {path} --format {suffix.lower()} --out converted/gen_qa.jsonl"
    with pytest.raises(InputError, match=re.escape(f"is {suffix.upper()}, not one object per line; {way_out}")):
        check_dataset(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"{}\n", mtime=0), "is gzip; unpack it first: gunzip"),
        (b"PK\x03\x04abc", "is a zip archive, or a spreadsheet; unpack it, or save the sheet as CSV"),
        (b"BZh9abc", "is bzip2"),
        (b"\x28\xb5\x2f\xfdabc", "is zstandard"),
        (b"PAR1abc", "is Parquet; convert it: evalayer dataset convert"),
        (b"ARROW1abc", "is Arrow; convert it"),
        (json.dumps([GOOD["gen_qa"]] * 3, indent=2).encode(), "is a JSON array, not one object per line; convert it"),
        (json.dumps([GOOD["gen_qa"]] * 3).encode(), "is a JSON array"),
        (b"[\n" + json.dumps(GOOD["gen_qa"]).encode() + b"\n]", "is a JSON array"),
        (b'\n[{"query": "q",\n', "is a JSON array"),
        (json.dumps(GOOD["gen_qa"], indent=2).encode(), "is a JSON object over many lines, not one object per line"),
    ],
)
def test_another_format_is_one_error_with_the_way_out(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as raised:
        check_dataset(path)
    assert raised.value.line is None


def test_a_list_as_first_row_is_a_bad_row(tmp_path: Path) -> None:
    report = check(tmp_path, "gen_qa", ["q", "r"], [], GOOD["gen_qa"])
    assert [(finding.place.line, finding.reason) for finding in report.findings] == [
        (1, "is a list, not an object {query, response, …}"),
        (2, "is a list, not an object {query, response, …}"),
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "data"]), inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.sampled_from(sorted({name for row in GOOD.values() for name in row}))


@settings(max_examples=150)
@given(
    st.sampled_from(KINDS),
    st.lists(
        st.one_of(
            st.dictionaries(fields, json_values, max_size=5).map(json.dumps).map(str.encode), st.binary(max_size=30)
        ),
        max_size=4,
    ),
)
def test_any_bytes_of_any_kind_give_a_report_or_an_input_error(tmp_path: Path, kind: Kind, lines: list[bytes]) -> None:
    path = tmp_path / NAMES[kind]
    path.write_bytes(b"\n".join(lines))
    for asked in (kind, None):
        try:
            report = check_dataset(path, asked)
        except InputError:
            pass
        else:
            assert report.rows >= report.good
            assert (report.errors == 0) == (report.rows == report.good)
            assert all(finding.reason.isprintable() for finding in report.findings)


def test_every_code_is_explained() -> None:
    document = (Path(__file__).parents[3] / "docs/datasets.md").read_text(encoding="utf-8")
    for code in get_args(Code):
        assert f"\n| `{code}` | " in document
