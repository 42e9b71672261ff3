from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.dataset import Conversion, Kind, Mapped, Source, check_dataset, convert
from evalayer_lab.inputs import InputError

FAQ: list[dict[str, Any]] = [
    {"question": "What is 2 + 2?", "answer": "4", "topic": "sums", "level": 1},
    {"question": 'Say "hi",\nplease', "answer": "hi", "topic": "größe", "level": 2},
]
TO_GEN_QA = Mapped({"query": "question", "response": "answer"})


def converted(
    folder: Path, source: Source | Path, mapped: Mapped | None = None, kind: Kind = "gen_qa", name: str = "gen_qa.jsonl"
) -> tuple[Conversion, list[dict[str, Any]]]:
    """The result of a conversion and the rows that were written, which have to check without an error."""
    out = folder / "out" / name
    source = source if isinstance(source, Source) else Source(str(source))
    done = convert(source, out, mapped, kind=kind, overwrite=True)
    report = check_dataset(out, kind)
    assert (report.rows, report.errors) == (done.written, 0)
    return done, [json.loads(line) for line in out.read_bytes().splitlines()]


def as_csv(path: Path, rows: Sequence[Mapping[str, object]], delimiter: str = ",", encoding: str = "utf-8") -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows])


def write_csv(folder: Path) -> Path:
    as_csv(folder / "faq.csv", FAQ)
    return folder / "faq.csv"


def write_semicolons(folder: Path) -> Path:
    as_csv(folder / "faq.csv", FAQ, ";", "utf-8-sig")
    return folder / "faq.csv"


def write_utf_16(folder: Path) -> Path:
    as_csv(folder / "faq.csv", FAQ, ",", "utf-16")
    return folder / "faq.csv"


def write_tsv(folder: Path) -> Path:
    as_csv(folder / "faq.tsv", FAQ, "\t")
    return folder / "faq.tsv"


def write_jsonl(folder: Path) -> Path:
    (folder / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in FAQ), encoding="utf-8")
    return folder / "faq.jsonl"


def write_array(folder: Path) -> Path:
    (folder / "faq.json").write_text(json.dumps(FAQ, indent=2, ensure_ascii=False), encoding="utf-8")
    return folder / "faq.json"


def write_parquet(folder: Path) -> Path:
    pq.write_table(table(FAQ), folder / "faq.parquet")
    return folder / "faq.parquet"


def write_arrow_file(folder: Path) -> Path:
    with pa.OSFile(str(folder / "faq.arrow"), "wb") as sink, pa.ipc.new_file(sink, table(FAQ).schema) as writer:
        writer.write_table(table(FAQ))
    return folder / "faq.arrow"


def write_stream(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table(FAQ).schema) as writer:
        writer.write_table(table(rows))


def write_saved(folder: Path) -> Path:
    """A folder as `save_to_disk` writes it, of two shards."""
    folder = folder / "saved"
    folder.mkdir()
    names = [f"data-0000{index}-of-00002.arrow" for index in range(2)]
    for name, row in zip(names, FAQ, strict=True):
        write_stream(folder / name, [row])
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "x", "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (folder / "dataset_info.json").write_text("{}", encoding="utf-8")
    return folder


def write_shards(folder: Path) -> Path:
    """A folder of Parquet shards, as on the hub."""
    data = folder / "hub" / "data"
    data.mkdir(parents=True)
    for index, row in enumerate(FAQ):
        pq.write_table(table([row]), data / f"train-0000{index}-of-00002.parquet")
    return folder / "hub"


@pytest.mark.parametrize(
    "write",
    [
        write_csv,
        write_semicolons,
        write_utf_16,
        write_tsv,
        write_jsonl,
        write_array,
        write_parquet,
        write_arrow_file,
        write_saved,
        write_shards,
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    mapped = Mapped({"query": "question", "response": "answer"}, system="Be brief.", metadata=["topic", "level"])
    done, rows = converted(tmp_path, write(tmp_path), mapped)
    assert (done.rows, done.written, done.errors, done.unused) == (2, 2, 0, [])
    is_text = write in {write_csv, write_semicolons, write_utf_16, write_tsv}
    assert rows == [
        {
            "query": row["question"],
            "response": row["answer"],
            "metadata": json.dumps(
                {"topic": row["topic"], "level": str(row["level"]) if is_text else row["level"]},
                ensure_ascii=False,
                separators=(",", ":"),
            ),
            "system": "Be brief.",
        }
        for row in FAQ
    ]


def test_a_column_is_found_by_the_name_of_its_field(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('query,response,system,metadata,note\nq,r,s,"{""a"": 1}",n\nq,r,,,n\n', encoding="utf-8")
    done, rows = converted(tmp_path, path)
    assert rows == [
        {"query": "q", "response": "r", "system": "s", "metadata": '{"a": 1}'},
        {"query": "q", "response": "r"},
    ]
    assert done.unused == ["note"]


def test_what_is_not_text_is_written_as_json(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"query": 7, "response": {"class": "network", "sure": True}, "metadata": {"d": date(2024, 5, 1), "n": None}},
        {"query": 2.5, "response": ["a", 1], "metadata": None},
        {"query": True, "response": "x", "metadata": "text"},
    ]
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps(row, default=date.isoformat) + "\n" for row in rows), encoding="utf-8"
    )
    _, written = converted(tmp_path, tmp_path / "rows.jsonl")
    assert written == [
        {"query": "7", "response": '{"class":"network","sure":true}', "metadata": '{"d":"2024-05-01","n":null}'},
        {"query": "2.5", "response": '["a",1]'},
        {"query": "true", "response": "x", "metadata": "text"},
    ]


def test_parquet_types_are_written_too(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "query": ["q"],
        "response": [Decimal("1.50")],
        "day": [date(2024, 5, 1)],
        "scores": [[0.5, 1.0]],
        "nothing": [None],
    }
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    _, written = converted(tmp_path, tmp_path / "rows.parquet", Mapped(metadata=["day", "scores", "nothing"]))
    assert written == [{"query": "q", "response": "1.50", "metadata": '{"day":"2024-05-01","scores":[0.5,1.0]}'}]


def test_bad_rows_are_reported_by_line_and_column_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text('question,answer\nq,r\n,r\n"two\nlines"," "\nq\nq,r,x\n\nq,last\n', encoding="utf-8")
    done, rows = converted(tmp_path, path, TO_GEN_QA)
    assert [row["response"] for row in rows] == ["r", "last"]
    assert (done.rows, done.written) == (6, 2)
    assert [str(finding) for finding in done.findings] == [
        f"{path}:3: question: is blank",
        f"{path}:4: answer: is blank",
        f"{path}:6: has 1 field, the header has 2",
        f"{path}:7: has 3 fields, the header has 2",
    ]


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ({"question": None, "answer": "r"}, "question", "is missing"),
        ({"question": "\ud800", "answer": "r"}, "question", "half of a character"),
        ({"question": "q", "answer": [float("nan")]}, "answer", "is not a finite number"),
        ({"question": "q", "answer": "a\0"}, "answer", "NUL"),
        ({"question": "q", "answer": "r", "images": "x"}, "images", "is text that is not a JSON list"),
        ({"question": "q", "answer": "r", "images": [{"data": "s3://a/b"}]}, "images[0].data", "S3 URI"),
        ([], None, "is a list, not an object"),
    ],
)
def test_a_row_that_cannot_be_written_is_named(tmp_path: Path, row: object, field: str | None, words: str) -> None:
    good = {"question": "q", "answer": "r", "images": None}
    (tmp_path / "faq.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps(row)}\n", encoding="utf-8")
    done, rows = converted(tmp_path, tmp_path / "faq.jsonl", TO_GEN_QA)
    assert len(rows) == 1
    assert [(finding.place.line, finding.place.field) for finding in done.findings] == [(2, field)]
    assert words in done.findings[0].reason


def test_binary_cells_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"query": ["q", "q"], "response": [b"a", b"b"]}), tmp_path / "rows.parquet")
    with pytest.raises(InputError, match=r"has no good row.*rows\.parquet:1: response: is binary data"):
        convert(Source(str(tmp_path / "rows.parquet")), tmp_path / "gen_qa.jsonl")
    assert not (tmp_path / "gen_qa.jsonl").exists()


def test_judge_and_rft_rows_are_made_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"prompt": "p", "chosen": "a", "rejected": "b", "gold": {"n": 1}}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    _, rows = converted(
        tmp_path, path, Mapped({"response_A": "chosen", "response_B": "rejected"}), "llm_judge", "llm_judge.jsonl"
    )
    assert rows == [{"prompt": "p", "response_A": "a", "response_B": "b"}]
    mapped = Mapped({"user": "prompt", "reference_answer": "gold"}, system="s")
    _, rows = converted(tmp_path, path, mapped, "rft_eval", "rft.jsonl")
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}]
    assert rows == [{"reference_answer": {"n": 1}, "messages": messages}]
    path.write_text(json.dumps({"messages": messages[1:], "reference_answer": 4}) + "\n", encoding="utf-8")
    assert converted(tmp_path, path, None, "rft_eval", "rft.jsonl")[1] == [
        {"messages": messages[1:], "reference_answer": 4}
    ]


@pytest.mark.parametrize(
    ("columns", "mapped", "kind", "words"),
    [
        ("question,answer", Mapped(), "gen_qa", "no column for query; did you mean --map query=question"),
        ("Query,response", Mapped(), "gen_qa", "did you mean --map query=Query"),
        ("queri,response", Mapped(), "gen_qa", "did you mean --map query=queri"),
        ("a,b", Mapped(), "gen_qa", "name it with --map query=COLUMN; there are: a, b"),
        ("question,answer", Mapped({"query": "questoin"}), "gen_qa", "no column 'questoin'; did you mean question"),
        ("question,answer", Mapped({"qury": "question"}), "gen_qa", "no field 'qury'; did you mean query"),
        ("query,response", Mapped(metadata=["topc"]), "gen_qa", "no column 'topc'; there are: query, response"),
        ("query,response,x", Mapped({"metadata": "x"}, metadata=["x"]), "gen_qa", "one column or made of several"),
        ("prompt,response_A,response_B", Mapped(system="s"), "llm_judge", "has no system prompt"),
        ("prompt,response_A,response_B", Mapped(metadata=["prompt"]), "llm_judge", "has no metadata"),
        ("question,answer", Mapped(), "rft_eval", "no column for user; did you mean --map user=question"),
        ("query,query", Mapped(), "gen_qa", "two columns are called query"),
        ("query; response ", Mapped(), "gen_qa", "did you mean --map 'response= response '?"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_way_out(
    tmp_path: Path, columns: str, mapped: Mapped, kind: Kind, words: str
) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(f"{columns}\n{columns}\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        convert(Source(str(path)), tmp_path / "gen_qa.jsonl", mapped, kind=kind)
    assert not (tmp_path / "gen_qa.jsonl").exists()


def test_a_wrong_delimiter_is_suspected(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text("query,response\nq,r\n", encoding="utf-8")
    with pytest.raises(InputError, match="the only column is query,response: is --delimiter right"):
        convert(Source(str(path), delimiter=";"), tmp_path / "gen_qa.jsonl")


def test_what_follows_an_open_quote_is_said_to_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text('query,response\na,b\n"c,d\n' + "e,f\n" * 9, encoding="utf-8")
    done, rows = converted(tmp_path, path)
    assert [row["query"] for row in rows] == ["a"]
    assert [str(finding) for finding in done.findings] == [
        f"{path}:3: a quote in this row is never closed, so all that follows is left out"
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("faq.csv", b"", "has no header"),
        ("faq.csv", b"question,answer\n", "has no rows"),
        ("faq.csv", b"question,answer\nq,\xff\n", "is not utf-8 from about line"),
        (
            "faq.csv",
            b'question,answer\n"q,r\n',
            r"has no rows; the first error: .*:2: a quote in this row is never closed",
        ),
        ("faq.csv", b'question,answer\n"' + (b"x" * 2000 + b"\n") * 9000, "never closed"),
        ("faq.csv", b"question,answer\n" + b"x" * (17 * 2**20), "longer than 16 MiB"),
        ("faq.xlsx", b"PK\x03\x04", "is a zip archive, or a spreadsheet; unpack it, or save the sheet as CSV"),
        ("faq.csv.gz", b"\x1f\x8b\x08", "is gzip; unpack it first"),
        ("faq.txt", b"question,answer\nq,r\n", "does not tell its format by its name; give --format: arrow, csv, json"),
        ("faq.jsonl", b"", "has no rows"),
        ("faq.jsonl", b"[1]\n", "the first error"),
        ("faq.json", b"", "has no rows"),
        ("faq.json", b"[]", "has no rows"),
        ("faq.json", b'[{"question": "q", "answer": "r"}', "the array does not end"),
        ("faq.json", b'[{"question": "q" "answer"', "not JSON"),
        ("faq.json", b'[{"question": "q", "answer": "r"} {"question"', "a comma is missing"),
        ("faq.json", b"[" * 200_000, "nested too deeply"),
        ("faq.json", b'[{"question": "\xff"}]', "is not utf-8"),
        ("faq.parquet", b"PAR1 no", "cannot be read as Parquet"),
        ("faq.parquet", b"", "cannot be read as Parquet"),
        ("faq.arrow", b"ARROW1 no", "cannot be read as Arrow"),
        ("faq.arrow", b"no", "cannot be read as Arrow"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_input_error(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        convert(Source(str(tmp_path / name)), tmp_path / "gen_qa.jsonl", TO_GEN_QA)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["none.csv", "none.json", "none.parquet", "none.arrow", "none.jsonl", "none.xyz"])
def test_a_missing_file_is_said_to_be_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        convert(Source(str(tmp_path / name)), tmp_path / "gen_qa.jsonl")


def test_encodings_and_delimiters_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "faq.txt"
    path.write_bytes("question#answer\nwie groß?#größer\n".encode("cp1252"))
    source = Source(str(path), "csv", "cp1252", "#")
    assert converted(tmp_path, source, TO_GEN_QA)[1] == [{"query": "wie groß?", "response": "größer"}]
    with pytest.raises(InputError, match="there is no encoding 'utf-9'"):
        convert(Source(str(path), "csv", "utf-9"), tmp_path / "gen_qa.jsonl")


def test_json_objects_may_stand_one_after_another(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('{"query": "a",\n "response": "r"}\n{"query": "", "response": "r"} 7', encoding="utf-8")
    done, rows = converted(tmp_path, path)
    assert [row["query"] for row in rows] == ["a"]
    assert [(finding.place.line, finding.reason) for finding in done.findings] == [
        (3, "is blank"),
        (3, "is a number, not an object"),
    ]


def test_a_large_array_is_read_a_piece_at_a_time(tmp_path: Path) -> None:
    rows = [{"query": f"{number} " + "x" * 3000, "response": "r"} for number in range(1500)]
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    done, written = converted(tmp_path, tmp_path / "rows.json")
    assert (done.written, written) == (1500, rows)


def test_splits_have_to_be_chosen(tmp_path: Path) -> None:
    for split, row in zip(("train", "test"), FAQ, strict=True):
        pq.write_table(table([row]), tmp_path / f"{split}-00000-of-00001.parquet")
    with pytest.raises(InputError, match="has the splits test, train; choose one with --split"):
        convert(Source(str(tmp_path)), tmp_path / "gen_qa.jsonl")
    with pytest.raises(InputError, match="has no split 'dev'; there are: test, train"):
        convert(Source(str(tmp_path), split="dev"), tmp_path / "gen_qa.jsonl")
    assert converted(tmp_path, Source(str(tmp_path), split="test"), TO_GEN_QA)[1][0]["response"] == "hi"


def test_a_saved_dataset_of_splits_is_read_by_split(tmp_path: Path) -> None:
    folder = tmp_path / "splits"
    folder.mkdir()
    write_saved(folder).rename(folder / "train")
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}', encoding="utf-8")
    assert converted(tmp_path, Source(str(folder), split="train"), TO_GEN_QA)[0].written == 2
    with pytest.raises(InputError, match="choose one with --split"):
        convert(Source(str(folder)), tmp_path / "gen_qa.jsonl")
    with pytest.raises(InputError, match="is a single split; leave --split out"):
        convert(Source(str(folder / "train"), split="train"), tmp_path / "gen_qa.jsonl")
    with pytest.raises(InputError, match="has no splits; leave --split out"):
        convert(Source(str(write_csv(tmp_path)), split="train"), tmp_path / "gen_qa.jsonl")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("{", "not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "does not name any data files"),
        ('{"_data_files": [{"filename": "../secret.arrow"}]}', "not in its folder"),
        ('{"_data_files": [{"filename": 3}]}', "not in its folder"),
        ('{"_data_files": [{"filename": "gone.arrow"}]}', "No such file"),
        ('{"_data_files": [{"filename": "a"}], "_indices_files": [{"filename": "b"}]}', "selection of rows"),
    ],
)
def test_a_broken_saved_dataset_is_an_input_error(tmp_path: Path, state: str, words: str) -> None:
    (tmp_path / "state.json").write_text(state, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        convert(Source(str(tmp_path)), tmp_path / "gen_qa.jsonl")


def test_an_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither state\.json"):
        convert(Source(str(tmp_path)), tmp_path / "gen_qa.jsonl")


def test_nothing_is_overwritten_unasked_and_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    source, out = Source(str(write_csv(tmp_path))), tmp_path / "gen_qa.jsonl"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="is there already"):
        convert(source, out, TO_GEN_QA)
    (tmp_path / "faq.csv").write_text("question,answer\nq,r\n,r\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"faq\.csv:3: question: is blank"):
        convert(source, out, TO_GEN_QA, overwrite=True, strict=True)
    assert out.read_text(encoding="utf-8") == "mine"
    convert(source, out, TO_GEN_QA, overwrite=True)
    assert out.read_text(encoding="utf-8") == '{"query":"q","response":"r"}\n'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faq.csv", "gen_qa.jsonl"]
    for place, words in ((tmp_path, "is a folder"), (tmp_path / "faq.csv" / "gen_qa.jsonl", "cannot be written")):
        with pytest.raises(InputError, match=words):
            convert(source, place, TO_GEN_QA)


cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.text(max_size=2))
)


@settings(max_examples=80)
@given(
    st.lists(st.dictionaries(st.sampled_from(["query", "response", "system", "metadata"]), cells), max_size=4),
    st.booleans(),
)
def test_what_is_converted_checks_clean(tmp_path: Path, rows: list[dict[str, object]], is_array: bool) -> None:
    path = tmp_path / ("rows.json" if is_array else "rows.jsonl")
    path.write_text(json.dumps(rows) if is_array else "".join(json.dumps(row) + "\n" for row in rows))
    try:
        done, written = converted(tmp_path, path)
    except InputError:
        return
    assert done.rows == len(rows)
    assert done.written == len(written)


@settings(max_examples=300)
@given(
    st.sampled_from(["csv", "tsv", "json", "jsonl", "parquet", "arrow"]),
    st.sampled_from(
        [b"", b"query,response\n", b"query\tresponse\n", b"[", b'[{"query": "q", "response": "r"},', b"\xff\xfe"]
    ),
    st.one_of(st.binary(max_size=40), st.text('qr",\n\r\t[]{}: ', max_size=40).map(str.encode)),
)
def test_any_bytes_are_converted_or_an_input_error(tmp_path: Path, suffix: str, start: bytes, rest: bytes) -> None:
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(start + rest)
    try:
        converted(tmp_path, path)
    except InputError:
        return
