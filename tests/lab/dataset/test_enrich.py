from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.dataset import (
    Derive,
    Enrichment,
    MetadataKey,
    check_dataset,
    derivations,
    domain_classifier,
    domain_rules,
    enrich,
    load_row_function,
)
from evalayer_lab.inputs import InputError

GOOD = {"query": "What is in the box?", "response": "a cat"}


def enriched(folder: Path, lines: Sequence[str], keys: Sequence[str] = ("length",)) -> tuple[Enrichment, list[str]]:
    path, out = folder / "gen_qa.jsonl", folder / "out.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    done = enrich(path, out, derivations(keys), overwrite=True)
    return done, out.read_text(encoding="utf-8").split("\n")[:-1]


def test_metadata_is_written_as_a_json_string(tmp_path: Path) -> None:
    done, lines = enriched(tmp_path, [json.dumps(GOOD)] * 2, ["task", "difficulty", "length", "language"])
    expected = {"task": "label", "difficulty": "easy", "length": "short", "language": "en"}
    for line in lines:
        row = json.loads(line)
        assert {name: row[name] for name in GOOD} == GOOD
        assert json.loads(row["metadata"]) == expected
    assert (done.rows, done.changed, done.errors, done.not_objects) == (2, 2, 0, 0)
    assert done.added["length"] == MetadataKey(2, {"short": 2}, 0)
    assert done.kept == {"task": 0, "difficulty": 0, "length": 0, "language": 0}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            '{"query":"q","response":"r"}',
            '{"query":"q","response":"r", "metadata": "{\\"length\\": \\"short\\"}"}',
        ),
        (
            '{"note": 1.0, "metadata": "{ \\"a\\": 1e3 }" , "query": "q", "response": "r", '
            '"big": 123456789012345678901}',
            '{"note": 1.0, "metadata": "{ \\"a\\": 1e3, \\"length\\": \\"short\\"}" , "query": "q", "response": "r", '
            '"big": 123456789012345678901}',
        ),
        (
            '  {"metadata":null,"query":"größe","response":"r"}\t',
            '  {"metadata":"{\\"length\\": \\"short\\"}","query":"größe","response":"r"}\t',
        ),
        (
            '{"query": "q", "response": "r", "metadata": "{}"}',
            '{"query": "q", "response": "r", "metadata": "{\\"length\\": \\"short\\"}"}',
        ),
        (
            '{"m\\u0065tadata": "{\\"a\\": \\"\\u00f6\\"}", "query": "q", "response": "r"}',
            '{"m\\u0065tadata": "{\\"a\\": \\"\\u00f6\\", \\"length\\": \\"short\\"}", "query": "q", "response": "r"}',
        ),
        (
            '{"metadata": "{\\"a\\": 1}", "query": "q", "response": "r", "metadata": "{\\"b\\": 1}"}',
            '{"metadata": "{\\"a\\": 1}", "query": "q", "response": "r", '
            '"metadata": "{\\"b\\": 1, \\"length\\": \\"short\\"}"}',
        ),
    ],
)
def test_nothing_else_of_a_row_changes(tmp_path: Path, line: str, expected: str) -> None:
    done, lines = enriched(tmp_path, [line])
    assert lines == [expected]
    assert done.changed == 1


@pytest.mark.parametrize(
    "line",
    [
        '{"query": "q", "response": "r", "metadata": "{\\"length\\": 7}"}',
        '{"query": "q", "response": "r", "metadata": "{\\"length\\": null}"}',
        '{"query": "q", "response": "r", "metadata": "easy"}',
        '{"query": "q", "response": "r", "metadata": "[1]"}',
        '{"query": "q", "response": "r", "metadata": ""}',
        '{"query": "", "response": "r"}',
        "no row",
        '["query"]',
    ],
)
def test_what_is_there_stays_to_the_byte(tmp_path: Path, line: str) -> None:
    good = json.dumps(GOOD)
    done, lines = enriched(tmp_path, [good, line, good])
    assert lines[1] == line
    assert (done.rows, done.changed) == (3, 2)
    is_row = '"query": "q"' in line
    assert done.not_objects == int(is_row and "length" not in line)
    assert done.kept["length"] == int("length" in line)
    assert [finding.place.line for finding in done.findings if finding.severity == "error"] == ([] if is_row else [2])


def test_values_are_counted(tmp_path: Path) -> None:
    lines = [json.dumps({**GOOD, "query": "x" * length}) for length in (10, 20, 300, 5000)]
    done, _ = enriched(tmp_path, lines)
    assert done.added == {"length": MetadataKey(4, {"short": 2, "medium": 1, "long": 1}, 0)}


def test_a_user_function_gives_the_difficulty(tmp_path: Path) -> None:
    rules = tmp_path / "my_enrich_rules.py"
    rules.write_text(
        "def level(row):\n"
        "    if row['query'] == 'bad':\n        raise KeyError('missing thing')\n"
        "    if row['query'] == 'worse':\n        return [1]\n"
        "    return None if row['query'] == 'skip' else len(row['response'])\n",
        encoding="utf-8",
    )
    path = tmp_path / "gen_qa.jsonl"
    queries = ["q", "bad", "worse", "skip"]
    path.write_text("".join(json.dumps({**GOOD, "query": query}) + "\n" for query in queries), encoding="utf-8")
    function = load_row_function(f"{rules}:level")
    done = enrich(path, tmp_path / "out.jsonl", derivations(["difficulty"], difficulty_of=function))
    assert done.added["difficulty"] == MetadataKey(1, {"5": 1}, 0)
    assert [str(finding) for finding in done.findings] == [
        f"{path}:2: difficulty: the function failed: KeyError: 'missing thing'",
        f"{path}:3: difficulty: the function failed: TypeError: it returned list, not text or a number that JSON can "
        "hold",
    ]
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").split("\n")[0])
    assert json.loads(first["metadata"]) == {"difficulty": 5}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("rules.py", "does not name a function"),
        ("gone.py:level", "there is no such file"),
        ("no_such_module_here:level", "cannot be imported"),
        ("json:levle", "has no function 'levle'"),
    ],
)
def test_a_function_that_is_not_there_is_an_input_error(spec: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_row_function(spec)


def labelled(folder: Path, rows: Sequence[tuple[str, object]], key: str = "domain") -> Path:
    path = folder / "labelled.jsonl"
    path.write_text(
        "".join(
            json.dumps({"query": query, "response": "r", "metadata": json.dumps({key: label})}) + "\n"
            for query, label in rows
        ),
        encoding="utf-8",
    )
    return path


LABELLED: list[tuple[str, object]] = [
    *((f"the invoice {number} of the tax office and the payment", "finance") for number in range(8)),
    *((f"the patient {number} in the ward and the nurse", "health") for number in range(6)),
]


def test_a_domain_is_learned_from_labelled_rows(tmp_path: Path) -> None:
    domain = domain_classifier(labelled(tmp_path, LABELLED))
    assert (domain.rows, domain.accuracy, domain.commonest) == (14, 1.0, 8 / 14)
    assert domain.predict(["an invoice for a payment", "a nurse for a patient"]) == ["finance", "health"]
    again = domain_classifier(labelled(tmp_path, LABELLED))
    queries = [f"{word} {number}" for word in ("ward", "tax", "and") for number in range(20)]
    assert again.predict(queries) == domain.predict(queries)


def test_queries_without_words_cannot_be_learned_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be learned from"):
        domain_classifier(labelled(tmp_path, [("?", "x"), ("!", "y")]))


def test_without_folds_there_is_no_accuracy(tmp_path: Path) -> None:
    assert domain_classifier(labelled(tmp_path, [("a b", "x"), ("c d", "y"), ("c e", "y")], "k"), "k").accuracy is None


@pytest.mark.parametrize(
    ("rows", "words"), [(LABELLED[:3], "only finance"), ([("q", 3)], "none"), ([("q", "x")], "only x")]
)
def test_too_few_domains_are_an_input_error(tmp_path: Path, rows: Sequence[tuple[str, object]], words: str) -> None:
    with pytest.raises(InputError, match=f"has {words} under .* two domains are needed"):
        domain_classifier(labelled(tmp_path, rows))


RULES = "finance: [invoice, Tax return]\nhealth:\n  - nurse\n  - ward\n"


@pytest.mark.parametrize("text", [RULES, '{"finance": ["invoice", "Tax return"], "health": ["nurse", "ward"]}'])
def test_rules_count_whole_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    queries = {
        "An INVOICE for the ward, and another invoice": "finance",
        "my tax return and the nurse": "finance",
        "the nurse of the ward with the invoice": "health",
        "invoices rewarded": "unknown",
        "tax, return": "unknown",
    }
    assert domain_rules(path).predict(list(queries)) == list(queries.values())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a mapping"),
        (b"[a]", "is not a mapping"),
        (b"finance: invoice", r"rules\.yaml:1: finance: is not a list of words"),
        (b"finance: [a]\nhealth: []", r"rules\.yaml:2: health: is not a list of words"),
        (b"finance: [[a]]", "is not a list of words"),
        (b"finance: ['  ']", "is not a list of words"),
        (b"? [a]\n: [b]", "a domain is a name"),
        (b"finance: [a", "not YAML"),
        (b"\xff", "not YAML"),
        (b"a: &x [b]\na: *y", "not YAML"),
        (b"- " * 3000, "nested too deeply"),
        (b"a" * 70_000, "is larger than 64 KiB"),
    ],
)
def test_rules_that_cannot_be_used_are_an_input_error(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        domain_rules(path)


@settings(max_examples=200)
@given(st.text("ab:[]{},&*!|>-\n\"'# ?%\\x", max_size=30))
def test_any_rules_are_read_or_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        assert len(domain_rules(path).predict(["a b"])) == 1
    except InputError:
        return


def test_a_domain_needs_a_source() -> None:
    with pytest.raises(InputError, match="--domain-from"):
        derivations(["domain"])


def test_the_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_text(json.dumps(GOOD) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="is there already"):
        enrich(path, path, derivations(["length"]))
    enrich(path, path, derivations(["length"]), overwrite=True)
    assert json.loads(json.loads(path.read_text(encoding="utf-8"))["metadata"]) == {"length": "short"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(st.sampled_from(["a", "length", "task", "ö", '"', "\\"]), values, max_size=3)


@settings(max_examples=100)
@given(
    st.lists(
        st.builds(
            lambda extra, metadata, ascii_only, indent: json.dumps(
                {**extra, **GOOD, **({} if metadata is None else {"metadata": json.dumps(metadata, indent=indent)})},
                ensure_ascii=ascii_only,
            ),
            st.dictionaries(st.sampled_from(["note", "x"]), values, max_size=2),
            st.none() | objects,
            st.booleans(),
            st.sampled_from([None, 2]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_only_what_was_not_there_is_added(tmp_path: Path, lines: list[str]) -> None:
    done, written = enriched(tmp_path, lines, ["length", "task"])
    derived: Mapping[str, object] = {"length": "short", "task": "label"}
    assert len(written) == done.rows == len(lines)
    for before, after in zip(map(json.loads, lines), map(json.loads, written), strict=True):
        metadata = json.loads(before.pop("metadata", "{}"))
        if (
            before.get("images") is not None
            and after == {**before, **({"metadata": after.get("metadata")} if "metadata" in after else {})}
            and "metadata" not in after
        ):
            continue  # a bad row
        if "metadata" in after and json.loads(after["metadata"]) == metadata and done.errors:
            continue
        assert json.loads(after.pop("metadata")) == {**derived, **metadata}
        assert after == before
        assert list(after) == list(before)
    assert check_dataset(tmp_path / "out.jsonl", "gen_qa").errors == 0


def always(value: str) -> Derive:
    return lambda rows: [value] * len(rows)


@given(objects, st.dictionaries(st.text(max_size=4), st.text(max_size=4), min_size=1))
def test_metadata_keeps_its_keys_and_gets_new_ones(
    tmp_path: Path, metadata: dict[str, object], added: dict[str, str]
) -> None:
    path, out = tmp_path / "gen_qa.jsonl", tmp_path / "out.jsonl"
    path.write_text(json.dumps({**GOOD, "metadata": json.dumps(metadata), "z": 1}))
    enrich(path, out, {key: always(value) for key, value in added.items()}, overwrite=True)
    row = json.loads(out.read_text())
    assert json.loads(row["metadata"]) == {**added, **metadata}
    assert list(row) == [*GOOD, "metadata", "z"]


def test_a_line_that_is_too_long_is_never_dropped(tmp_path: Path) -> None:
    path, out = tmp_path / "gen_qa.jsonl", tmp_path / "out.jsonl"
    path.write_text("\n".join([json.dumps(GOOD), json.dumps({**GOOD, "query": "x" * (17 << 20)}), json.dumps(GOOD)]))
    with pytest.raises(InputError, match="has a line longer than 16 MiB, which cannot be copied"):
        enrich(path, out, derivations(["length"]))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", ["\ud800", 2**64, "x" * 20_000, float("nan"), []])
def test_a_function_s_value_that_cannot_be_written(tmp_path: Path, value: Any) -> None:
    path, out = tmp_path / "gen_qa.jsonl", tmp_path / "out.jsonl"
    path.write_text(json.dumps(GOOD) + "\n")
    done = enrich(path, out, derivations(["difficulty"], difficulty_of=lambda row: value))
    assert (done.errors, done.changed) == (1, 0)
    assert "it returned" in done.findings[0].reason
    assert out.read_text() == path.read_text()


def test_a_function_cannot_change_the_row(tmp_path: Path) -> None:
    path, out = tmp_path / "gen_qa.jsonl", tmp_path / "out.jsonl"
    path.write_text(json.dumps({**GOOD, "metadata": '{"kept": 1}'}) + "\n")

    def forgets(row: Any) -> str:
        row.clear()
        return "easy"

    enrich(path, out, derivations(["difficulty"], difficulty_of=forgets))
    assert json.loads(out.read_text()) == {**GOOD, "metadata": '{"kept": 1, "difficulty": "easy"}'}


def test_a_link_is_followed_and_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    path, link, pipe = tmp_path / "gen_qa.jsonl", tmp_path / "link.jsonl", tmp_path / "pipe"
    path.write_text(json.dumps(GOOD) + "\n")
    link.symlink_to(path.name)
    enrich(path, link, derivations(["length"]), overwrite=True)
    assert link.is_symlink()
    assert "length" in path.read_text()
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="is a folder, a device or a pipe"):
        enrich(path, pipe, derivations(["length"]), overwrite=True)
    assert pipe.is_fifo()
