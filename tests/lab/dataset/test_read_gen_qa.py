from __future__ import annotations

import codecs
import json
import traceback
import tracemalloc
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evalayer_lab.dataset import Row, read_gen_qa
from evalayer_lab.inputs import Finding, InputError

GOOD = {"query": "q", "response": "r"}
KNOWN = ["query", "response", "system", "images", "metadata"]


def read(path: Path, *, strict: bool = False) -> tuple[list[Row], list[Finding]]:
    findings: list[Finding] = []
    return list(read_gen_qa(path, on_finding=findings.append, strict=strict)), findings


def written(folder: Path, content: bytes, name: str = "gen_qa.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def found(folder: Path, line: str | bytes | Mapping[str, object]) -> tuple[int, list[tuple[str, str | None, str]]]:
    """The number of rows and the findings of a file with this line between two good ones."""
    middle = (
        json.dumps(line).encode() if isinstance(line, Mapping) else line.encode() if isinstance(line, str) else line
    )
    good = json.dumps(GOOD).encode()
    rows, findings = read(written(folder, b"\n".join([good, middle, good])))
    assert {finding.place.line for finding in findings} <= {2}
    assert [row.line for row in rows if row.line != 2] == [1, 3]
    return len(rows), [(finding.severity, finding.place.field, finding.reason) for finding in findings]


def test_a_good_file_gives_its_rows_and_no_problem(tmp_path: Path) -> None:
    lines = [
        {"query": "What is next: 1, 2, 4?", "response": "8", "system": "Be brief."},
        {"query": "größer 木 🌲", "response": "ja", "metadata": '{"difficulty": "easy"}'},
    ]
    rows, findings = read(written(tmp_path, "\r\n".join(json.dumps(line) for line in lines).encode()))
    assert findings == []
    assert rows == [
        Row(1, "What is next: 1, 2, 4?", "8", "Be brief.", None, has_images=False),
        Row(2, "größer 木 🌲", "ja", None, '{"difficulty": "easy"}', has_images=False),
    ]


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ({"response": "r"}, "query", "is missing; this row has response"),
        ({"query": "q"}, "response", "is missing"),
        ({}, "query", "this row has nothing"),
        ({"query": "", "response": "r"}, "query", "is blank"),
        ({"query": "q", "response": " \n\t"}, "response", "is blank"),
        ({"query": "q", "response": 3}, "response", "is a number, not text"),
        ({"query": ["q"], "response": "r"}, "query", "is a list, not text"),
        ({"query": "q", "response": None}, "response", "is null, not text"),
        ({**GOOD, "system": True}, "system", "is a boolean, not text"),
        ({**GOOD, "metadata": {"domain": "retail"}}, "metadata", "json.dumps(metadata)"),
        ({**GOOD, "metadata": 1.5}, "metadata", "is a number, not text"),
        ({"query": "a\0b", "response": "r"}, "query", "NUL"),
        ({**GOOD, "metadata": "\0"}, "metadata", "NUL"),
        ({**GOOD, "images": "data:image/png;base64,AA=="}, "images", "is text, not a list"),
        ({**GOOD, "images": ["data:image/png;base64,AA=="]}, "images[0]", "is text, not an object"),
        ({**GOOD, "images": [{"data": "s3://bucket/a.png"}]}, "images[0].data", "is an S3 URI"),
        ({**GOOD, "images": [{"data": "data:image/png;base64,"}]}, "images[0].data", "is not image data"),
        ({**GOOD, "images": [{"data": "data:text/plain;base64,AA=="}]}, "images[0].data", "is not image data"),
        ({**GOOD, "images": [{"url": "x"}]}, "images[0].data", "this image has url"),
        ('["q", "r"]', None, "is a list, not an object"),
        ('"q"', None, "is text, not an object"),
        ("null", None, "is null, not an object"),
        ("{", None, "not JSON: EOF while parsing an object"),
        ('{"query": "q", "response": "r",}', None, "trailing comma"),
        ("{'query': 'q', 'response': 'r'}", None, "not JSON"),
        ('{"query": "q", "response": "r"} {}', None, "trailing characters"),
        (r'{"query": "q", "response": "\ud83d"}', None, "valid in pairs only"),
        (r'{"query": "q", "response": "\udc00"}', None, "valid in pairs only"),
        (r'{"query": "q", "response": "\ud800\u0041"}', None, "valid in pairs only"),
        (r'{"query": "q", "response": "r", "\ud800": 1}', None, "valid in pairs only"),
        (b'{"query": "q", "response": "\xff"}', None, "not UTF-8: byte 29 of the line"),
        (b'{"query": "q", "response": "\xed\xa0\x80"}', None, "not UTF-8: byte 29"),
        (b'{"query": "q\x00", "response": "r"}', None, "not JSON: control character"),
        ("[" * 100_000, None, "not JSON: recursion limit"),
        ('{"query": "q", "response": "r", "ticket": ' + "9" * 5000 + "}", None, "not JSON: number out of range"),
    ],
)
def test_a_bad_row_is_reported_and_left_out(
    tmp_path: Path, line: str | bytes | Mapping[str, object], field: str | None, words: str
) -> None:
    rows, findings = found(tmp_path, line)
    assert rows == 2
    severity, problem_field, reason = findings[0]
    assert (severity, problem_field) == ("error", field)
    assert words in reason


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("", None, "blank line"),
        ("  \t\r", None, "blank line"),
        ({**GOOD, "Metadata": "x"}, "Metadata", "is unknown; did you mean metadata?"),
        ({**GOOD, "ticket": 7}, "ticket", "is unknown; a row has query, response, system, images, metadata"),
        ({**GOOD, "\x1b[31m": 1}, "'\\x1b[31m'", "is unknown"),
        ({**GOOD, "k" * 100_000: 1}, "k" * 59 + "…", "is unknown"),
        ('{"query": "a", "response": "r", "query": "b"}', "query", "more than once in this row; the last one counts"),
        (r'{"query": "a", "response": "r", "\u0071uery": "b"}', "query", "more than once"),
        ({**GOOD, "system": None}, "system", "is null; leave it out"),
        ({**GOOD, "metadata": "easy"}, "metadata", "is not a JSON object"),
        ({**GOOD, "metadata": '["easy"]'}, "metadata", "is not a JSON object"),
        ({**GOOD, "metadata": ""}, "metadata", "is not a JSON object"),
        ({**GOOD, "system": "Assistant: yes"}, "system", "holds 'Assistant:'"),
        ({"query": "see <image>", "response": "r"}, "query", "holds '<image>'"),
        (r'{"query": "see \u003cvideo>", "response": "r"}', "query", "holds '<video>'"),
        ({**GOOD, "metadata": '{"a": "[EOS]"}'}, "metadata", "holds '[EOS]'"),
        ({**GOOD, "images": [{"data": "data:image/png;Base64,iVBO"}]}, "images", "custom-metrics Lambda"),
    ],
)
def test_a_doubtful_row_is_a_warning(
    tmp_path: Path, line: str | Mapping[str, object], field: str | None, words: str
) -> None:
    rows, findings = found(tmp_path, line)
    assert rows == (2 if words == "blank line" else 3)
    assert len(findings) == 1
    assert findings[0][:2] == ("warning", field)
    assert words in findings[0][2]


def test_the_last_of_two_equal_keys_counts(tmp_path: Path) -> None:
    rows, _ = read(written(tmp_path, b'{"query": "a", "response": "r", "query": "b"}'))
    assert rows[0].query == "b"


def test_text_that_looks_like_keys_is_no_duplicate(tmp_path: Path) -> None:
    line = {"query": '"query": "query":', "response": json.dumps(GOOD), "metadata": json.dumps({"query": "query"})}
    assert found(tmp_path, line) == (3, [])


def test_problems_quote_no_prompt_and_no_answer(tmp_path: Path) -> None:
    lines: list[Mapping[str, object]] = [
        {"query": "SECRET", "response": {"a": "SECRET"}, "images": ["SECRET"], "metadata": ["SECRET"]},
        {"query": "SECRET User:", "response": "SECRET", "metadata": "SECRET", "system": "SECRET\0"},
        {"query": "SECRET User:", "response": "SECRET", "metadata": "SECRET"},
    ]
    broken = b'{"query": "SECRET", "response": SECRET}'
    content = b"\n".join([*(json.dumps(line).encode() for line in lines), broken])
    _, findings = read(written(tmp_path, content))
    assert len(findings) >= 6
    assert not any("SECRET" in str(finding) for finding in findings)


def test_one_row_can_have_several_problems(tmp_path: Path) -> None:
    rows, findings = found(tmp_path, {"query": "", "response": 1, "metadata": {}})
    assert rows == 2
    assert [field for _, field, _ in findings] == ["query", "response", "metadata"]


def test_the_problems_of_one_row_are_bounded(tmp_path: Path) -> None:
    rows, findings = found(tmp_path, {**GOOD, "images": [{}] * 1000})
    assert (rows, [field for _, field, _ in findings]) == (2, ["images[0].data"])
    rows, findings = found(tmp_path, {**GOOD, **{f"field {n}": n for n in range(1000)}})
    assert (rows, len(findings)) == (3, 8)


def test_a_strict_error_carries_nothing_of_the_row(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"query": "q", "response": ["SECRET"]}')
    with pytest.raises(InputError) as raised:
        read(path, strict=True)
    assert "SECRET" not in "".join(traceback.format_exception(raised.value))


def test_a_problem_reads_as_path_line_field_reason(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"query": "q", "response": ""}')
    _, findings = read(path)
    assert [str(finding) for finding in findings] == [f"{path}:1: response: is blank"]


def test_a_byte_order_mark_is_taken_off_with_a_warning(tmp_path: Path) -> None:
    rows, findings = read(written(tmp_path, codecs.BOM_UTF8 + json.dumps(GOOD).encode()))
    assert len(rows) == 1
    assert [(finding.severity, finding.place.line) for finding in findings] == [("warning", 1)]
    assert "byte order mark" in findings[0].reason


def test_another_file_name_is_one_warning_about_the_file(tmp_path: Path) -> None:
    rows, findings = read(written(tmp_path, (json.dumps(GOOD) + "\n").encode() * 3, "tickets.jsonl"))
    assert len(rows) == 3
    assert [(finding.severity, finding.place.line, finding.place.field) for finding in findings] == [
        ("warning", None, None)
    ]
    assert "gen_qa.jsonl" in findings[0].reason


def test_strict_stops_at_the_first_error_and_not_at_a_warning(tmp_path: Path) -> None:
    lines: list[Mapping[str, object]] = [{**GOOD, "note": 1}, GOOD, {"query": "q", "response": 3}, {}]
    path = written(tmp_path, "\n".join(json.dumps(line) for line in lines).encode())
    findings: list[Finding] = []
    rows = read_gen_qa(path, on_finding=findings.append, strict=True)
    assert [next(rows).line, next(rows).line] == [1, 2]
    with pytest.raises(InputError) as raised:
        next(rows)
    assert (raised.value.path, raised.value.line, raised.value.field) == (str(path), 3, "response")
    assert [finding.severity for finding in findings] == ["warning"]


@pytest.mark.parametrize("content", [b"", b"\n\n", codecs.BOM_UTF8, b"  \r\n\t\n"])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="has no rows"):
        read(written(tmp_path, content))


def test_a_file_of_bad_rows_only_is_no_empty_file(tmp_path: Path) -> None:
    rows, findings = read(written(tmp_path, b"{}\n\xff"))
    assert rows == []
    assert [finding.place.line for finding in findings] == [1, 1, 2]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InputError, match="UTF-16"):
        read(written(tmp_path, ("\ufeff" + json.dumps(GOOD)).encode(encoding)))


@pytest.mark.parametrize(
    ("name", "words"), [("missing", "No such file"), (".", "directory"), ("a\0b", "no file can have this name")]
)
def test_a_path_that_cannot_be_read_is_an_input_error(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path / name)


def test_a_line_beyond_the_limit_is_skipped_and_never_held(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    good = json.dumps(GOOD).encode()
    with path.open("wb") as file:
        file.write(good + b'\n{"query": "')
        for _ in range(64):
            file.write(b"x" * 2**20)
        file.write(b'"}\n' + good + b"\n")
    tracemalloc.start()
    rows, findings = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row.line for row in rows] == [1, 3]
    assert [(finding.place.line, finding.severity) for finding in findings] == [(2, "error")]
    assert "longer than 16 MiB" in findings[0].reason
    assert peak < 40 * 2**20


def test_a_line_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    start, end = b'{"response": "r", "query": "', b'"}'
    line = start + b"x" * (16 * 2**20 - len(start) - len(end)) + end
    rows, findings = read(written(tmp_path, line + b"\n"))
    assert (len(rows), [finding.severity for finding in findings]) == (1, ["warning"])
    rows, findings = read(written(tmp_path, line[:-2] + b"x" + end))
    assert (len(rows), [finding.severity for finding in findings]) == (0, ["error"])


def test_a_line_beyond_the_limit_is_one_line_with_a_byte_order_mark_too(tmp_path: Path) -> None:
    rows, findings = read(
        written(tmp_path, codecs.BOM_UTF8 + b"x" * (16 * 2**20 + 10) + b"\n" + json.dumps(GOOD).encode())
    )
    assert [row.line for row in rows] == [2]
    assert [finding.place.line for finding in findings] == [1]


def test_an_error_of_the_callback_is_not_taken_for_one_of_the_file(tmp_path: Path) -> None:
    def stop(finding: Finding) -> None:
        raise BrokenPipeError(str(finding))

    with pytest.raises(BrokenPipeError):
        list(read_gen_qa(written(tmp_path, b"\n"), on_finding=stop))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_bytes((json.dumps({"query": "q" * 500, "response": "r"}) + "\n").encode() * 20_000)
    rows = read_gen_qa(path, on_finding=print)
    for _ in range(1000):
        next(rows)
    tracemalloc.start()
    for _ in rows:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


def test_the_key_is_a_digest_of_the_text_alone() -> None:
    row = Row(1, "q", "größe", None, "m", has_images=False)
    expected = blake2b("-1:q7:größe1:m".encode(), digest_size=16).hexdigest()
    assert row.key == expected
    assert Row(9, "q", "größe", None, "m", has_images=True).key == expected


@given(
    st.lists(st.tuples(*[st.one_of(st.none(), st.text("a:1-", max_size=3))] * 2, *[st.text("a:1-", max_size=3)] * 2))
)
def test_rows_have_one_key_exactly_when_their_text_is_one(texts: list[tuple[str | None, str | None, str, str]]) -> None:
    rows = [Row(1, query, response, system, metadata, has_images=False) for system, metadata, query, response in texts]
    assert len({row.key for row in rows}) == len(set(texts))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KNOWN, "data", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=5), json_values | st.text(), max_size=7)
lines = st.one_of(
    objects.map(json.dumps).map(str.encode),
    st.builds(lambda extra: json.dumps({**extra, **GOOD}).encode(), objects),
    objects.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")),
    st.binary(max_size=40),
    st.sampled_from([b"", b"{", b'{"query": "q", "response": "r"}', codecs.BOM_UTF8, b"\r"]),
)
files = st.one_of(
    st.lists(lines, max_size=8).map(b"\n".join),
    st.binary(),
    st.builds(
        lambda lines, at, byte: lines[:at] + byte + lines[at + 1 :],
        st.lists(lines, min_size=1, max_size=4).map(b"\n".join),
        st.integers(0, 200),
        st.binary(min_size=1, max_size=1),
    ),
)


@settings(max_examples=300)
@given(files)
@example(b"PK\x03\x04")
@example(b"PAR1")
@example(b"\x1f\x8b")
def test_any_bytes_give_valid_rows_and_problems_or_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    findings: list[Finding] = []
    rows: list[Row] = []
    try:
        rows.extend(read_gen_qa(path, on_finding=findings.append))
    except InputError as error:
        words = ("no rows", "UTF-16", "a JSON ", "unpack it first", "save the sheet as CSV", "convert it")
        assert any(word in str(error) for word in words)  # noqa: PT017 (both outcomes are fine)
        return
    errors = {finding.place.line for finding in findings if finding.severity == "error"}
    filled = [
        number for number, line in enumerate(content.split(b"\n"), 1) if line.removeprefix(codecs.BOM_UTF8).strip()
    ]
    assert errors.isdisjoint(row.line for row in rows)
    assert errors | {row.line for row in rows} >= set(filled)
    for row in rows:
        assert row.query.strip()
        assert row.response.strip()
        for text in (row.query, row.response, row.system or "", row.metadata or ""):
            assert "\0" not in text
            text.encode()
        again = json.loads(content.split(b"\n")[row.line - 1].decode("utf-8-sig"))
        assert (again["query"], again["response"]) == (row.query, row.response)
        assert (again.get("system"), again.get("metadata")) == (row.system, row.metadata)
        assert bool(again.get("images")) == row.has_images
    for finding in findings:
        assert finding.reason.isprintable()
    if errors:
        with pytest.raises(InputError):
            list(read_gen_qa(path, on_finding=findings.append, strict=True))
