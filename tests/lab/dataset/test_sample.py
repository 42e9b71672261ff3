from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalayer_lab.dataset import Sampling, allocate, sample
from evalayer_lab.inputs import InputError


def written(folder: Path, metadata: Sequence[object]) -> Path:
    path = folder / "gen_qa.jsonl"
    rows = [
        {"query": f"q{number}", "response": "r", **({} if one is None else {"metadata": json.dumps(one)})}
        for number, one in enumerate(metadata)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def numbers(path: Path) -> list[int]:
    return [int(json.loads(line)["query"][1:]) for line in path.read_bytes().splitlines()]


def by_values(taken: Sampling) -> dict[tuple[str | None, ...], tuple[int, int]]:
    return {tuple(stratum.values.values()): (stratum.rows, stratum.taken) for stratum in taken.strata}


LEVELS = [{"difficulty": "hard" if n % 10 == 0 else "easy", "domain": "ab"[n % 2]} for n in range(100)]


def test_a_proportional_sample_has_the_shares_of_the_file(tmp_path: Path) -> None:
    taken = sample(written(tmp_path, LEVELS), tmp_path / "out.jsonl", 20, stratify=["difficulty", "domain"])
    assert by_values(taken) == {("hard", "a"): (10, 2), ("easy", "b"): (50, 10), ("easy", "a"): (40, 8)}
    assert (taken.rows, taken.taken, taken.errors) == (100, 20, 0)
    chosen = numbers(tmp_path / "out.jsonl")
    assert chosen == sorted(chosen)
    assert Counter(LEVELS[number]["difficulty"] for number in chosen) == {"easy": 18, "hard": 2}


def test_an_equal_sample_has_as_many_of_each(tmp_path: Path) -> None:
    taken = sample(written(tmp_path, LEVELS), tmp_path / "out.jsonl", 40, stratify=["difficulty"], by="equal")
    assert by_values(taken) == {("hard",): (10, 10), ("easy",): (90, 30)}


def test_a_plain_sample_needs_no_metadata(tmp_path: Path) -> None:
    taken = sample(written(tmp_path, [None] * 50), tmp_path / "out.jsonl", 7)
    assert len(numbers(tmp_path / "out.jsonl")) == 7
    assert by_values(taken) == {(): (50, 7)}


def test_rows_without_the_key_are_a_stratum(tmp_path: Path) -> None:
    metadata = [{"d": "x"}, None, {"d": 3}, {"e": 1}] * 5
    taken = sample(written(tmp_path, metadata), tmp_path / "out.jsonl", 8, stratify=["d"])
    assert by_values(taken) == {("x",): (5, 2), (None,): (10, 4), ("3",): (5, 2)}


def test_the_same_seed_gives_the_same_bytes_and_another_other_rows(tmp_path: Path) -> None:
    path = written(tmp_path, LEVELS)
    samples = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        sample(path, tmp_path / name, 30, stratify=["domain"], seed=seed)
        samples.append((tmp_path / name).read_bytes())
    assert samples[0] == samples[1] != samples[2]
    assert numbers(tmp_path / "a")[:5] == [8, 10, 14, 18, 19]


def test_rows_are_kept_to_the_byte_and_bad_ones_are_never_taken(tmp_path: Path) -> None:
    lines = ['{"query":"a",  "response":"r", "n": 1.0}', "{}", '{"response":"\\u00f6","query":"b"}', "", "no"]
    path = tmp_path / "gen_qa.jsonl"
    path.write_text("\r\n".join(lines), encoding="utf-8")
    taken = sample(path, tmp_path / "out.jsonl", 2)
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == f"{lines[0]}\n{lines[2]}\n"
    assert (taken.rows, taken.errors) == (4, 3)
    assert {finding.place.line for finding in taken.findings if finding.severity == "error"} == {2, 5}


def test_every_row_is_as_likely_as_any_other(tmp_path: Path) -> None:
    path = written(tmp_path, [None] * 20)
    counts: Counter[int] = Counter()
    for seed in range(150):
        sample(path, tmp_path / "out.jsonl", 5, seed=seed, overwrite=True)
        counts.update(numbers(tmp_path / "out.jsonl"))
    assert counts.total() == 750
    assert stats.chisquare([counts[number] for number in range(20)]).pvalue > 0.001


@pytest.mark.parametrize(
    ("keys", "rows", "words"),
    [
        (["difficulty"], 101, "has 100 good rows, fewer than the 101 asked for"),
        (["dificulty"], 5, "no row's metadata has 'dificulty'; did you mean difficulty"),
        (["zzz"], 5, "there are: difficulty, domain"),
    ],
)
def test_a_sample_that_cannot_be_taken_is_an_input_error(
    tmp_path: Path, keys: list[str], rows: int, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        sample(written(tmp_path, LEVELS), tmp_path / "out.jsonl", rows, stratify=keys)
    assert not (tmp_path / "out.jsonl").exists()


def test_no_metadata_at_all_says_how_to_add_some(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="evalayer dataset enrich"):
        sample(written(tmp_path, [None]), tmp_path / "out.jsonl", 1, stratify=["difficulty"])


def test_too_many_strata_are_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than 10,000 strata"):
        sample(written(tmp_path, [{"id": n} for n in range(10_001)]), tmp_path / "out.jsonl", 1, stratify=["id"])


def test_a_pipe_and_a_missing_file_are_input_errors(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="read twice"):
        sample(tmp_path / "pipe", tmp_path / "out.jsonl", 1)
    with pytest.raises(InputError, match="No such file"):
        sample(tmp_path / "none", tmp_path / "out.jsonl", 1)
    (tmp_path / "empty.jsonl").write_bytes(b"\n")
    with pytest.raises(InputError, match="has no rows"):
        sample(tmp_path / "empty.jsonl", tmp_path / "out.jsonl", 1)


sizes_and_rows = st.lists(st.integers(0, 1000), min_size=1, max_size=30).flatmap(
    lambda sizes: st.tuples(st.just(sizes), st.integers(0, sum(sizes)))
)


@given(sizes_and_rows)
def test_proportional_shares_are_within_one_of_exact(case: tuple[list[int], int]) -> None:
    sizes, rows = case
    shares = allocate(sizes, rows, "proportional")
    assert sum(shares) == rows
    for size, share in zip(sizes, shares, strict=True):
        assert 0 <= share <= size
        exact = Fraction(size * rows, sum(sizes)) if sum(sizes) else Fraction(0)
        assert abs(share - exact) < 1
    assert all(a >= b for i, a in enumerate(shares) for j, b in enumerate(shares) if sizes[i] > sizes[j])


@given(sizes_and_rows)
def test_equal_shares_differ_by_one_unless_a_stratum_is_used_up(case: tuple[list[int], int]) -> None:
    sizes, rows = case
    shares = allocate(sizes, rows, "equal")
    assert sum(shares) == rows
    assert all(0 <= share <= size for size, share in zip(sizes, shares, strict=True))
    open_shares = [share for size, share in zip(sizes, shares, strict=True) if share < size]
    if open_shares:
        assert max(shares) - min(open_shares) <= 1


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=20), st.data())
def test_any_sample_adds_up(tmp_path: Path, values: list[str | None], data: st.DataObject) -> None:
    path = written(tmp_path, [None if value is None else {"k": value} for value in [*values, "a"]])
    rows = data.draw(st.integers(1, len(values) + 1))
    taken = sample(path, tmp_path / "out.jsonl", rows, stratify=["k"], overwrite=True)
    chosen = Counter([*values, "a"][number] for number in numbers(tmp_path / "out.jsonl"))
    assert chosen.total() == rows
    assert {stratum.values["k"]: stratum.taken for stratum in taken.strata if stratum.taken} == dict(chosen)


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes_give_a_sample_or_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gen_qa.jsonl"
    path.write_bytes(content + b'\n{"query": "q0", "response": "r"}\n')
    try:
        assert sample(path, tmp_path / "out.jsonl", 1, overwrite=True).taken == 1
    except InputError:
        return


def test_a_file_that_changes_between_the_readings_gives_no_sample(tmp_path: Path) -> None:
    path, out = tmp_path / "gen_qa.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps({"query": f"q{number}", "response": "r"}) for number in range(1000)]
    path.write_text("\n".join(lines))

    def change(rows: int) -> None:
        path.write_text("\n".join(reversed(lines)))

    with pytest.raises(InputError, match="changed while it was being read"):
        sample(path, out, 10, on_progress=change)
    assert not out.exists()
