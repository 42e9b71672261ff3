from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalayer_lab.dataset import Lengths, MetadataKey, check_dataset
from evalayer_lab.inputs import InputError


def written(folder: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    path = folder / "gen_qa.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_report_counts_rows_problems_and_duplicates(tmp_path: Path) -> None:
    good = {"query": "q", "response": "r"}
    report = check_dataset(
        written(tmp_path, [good, good, {**good, "system": "s"}, {"query": "", "response": ""}, {**good, "note": 1}])
    )
    assert (report.rows, report.good, report.errors, report.warnings, report.duplicates) == (5, 4, 2, 1, 2)
    assert [(finding.place.line, finding.severity) for finding in report.findings] == [
        (4, "error"),
        (4, "error"),
        (5, "warning"),
    ]


def test_equal_text_beside_images_is_no_duplicate(tmp_path: Path) -> None:
    images = [{"data": "data:image/png;base64,AA=="}]
    row = {"query": "What is this?", "response": "a tree", "images": images}
    assert check_dataset(written(tmp_path, [row, row])).duplicates == 0


def test_errors_are_kept_before_warnings(tmp_path: Path) -> None:
    doubtful, bad = {"query": "q", "response": "r", "note": 1}, {"query": "q", "response": 1}
    report = check_dataset(written(tmp_path, [doubtful] * 30 + [bad] * 2), max_problems=3)
    assert [(finding.place.line, finding.severity) for finding in report.findings] == [
        (1, "warning"),
        (31, "error"),
        (32, "error"),
    ]
    assert (report.errors, report.warnings) == (2, 30)
    assert check_dataset(report.path, max_problems=0).findings == ()


def test_metadata_values_are_counted_by_key(tmp_path: Path) -> None:
    texts = [
        {"domain": "retail", "year": 2024},
        {"domain": "retail", "open": True},
        {"domain": "health", "tags": ["a"]},
    ]
    rows = [{"query": str(n), "response": "r", "metadata": json.dumps(text)} for n, text in enumerate(texts)]
    assert check_dataset(written(tmp_path, [*rows, {"query": "q", "response": "r"}])).metadata == {
        "domain": MetadataKey(3, {"retail": 2, "health": 1}, 0),
        "year": MetadataKey(1, {"2024": 1}, 0),
        "open": MetadataKey(1, {"true": 1}, 0),
        "tags": MetadataKey(1, {'["a"]': 1}, 0),
    }


def test_a_key_with_very_many_values_is_bounded(tmp_path: Path) -> None:
    rows = [{"query": "q", "response": "r", "metadata": json.dumps({"id": str(n % 150)})} for n in range(300)]
    found = check_dataset(written(tmp_path, rows)).metadata["id"]
    assert (found.rows, found.values, found.other) == (300, {}, 300)


def test_very_many_keys_are_not_counted_with_a_warning(tmp_path: Path) -> None:
    many = {f"k{n}": "v" for n in range(101)}
    rows = [{"query": "q", "response": "r", "metadata": json.dumps(many)}]
    report = check_dataset(written(tmp_path, rows))
    assert report.metadata == {}
    assert [str(finding) for finding in report.findings] == [
        f"{report.path}: metadata: has more than 100 different keys, so they are not counted"
    ]


def test_long_keys_and_values_are_not_told_apart(tmp_path: Path) -> None:
    rows = [
        {"query": "q", "response": "r", "metadata": json.dumps({"x" * 201: "v", "long": "v" * 201, "k": "v" * 200})}
    ]
    found = check_dataset(written(tmp_path, rows)).metadata
    assert found == {"long": MetadataKey(1, {}, 1), "k": MetadataKey(1, {"v" * 200: 1}, 0)}


@settings(max_examples=50)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_lengths_are_nearest_rank_quantiles(tmp_path: Path, lengths: list[int]) -> None:
    rows = [{"query": "ö" * length, "response": "r"} for length in lengths]
    median, p95 = (int(np.quantile(lengths, q, method="inverted_cdf")) for q in (0.5, 0.95))
    assert check_dataset(written(tmp_path, rows)).lengths == {
        "query": Lengths(len(lengths), min(lengths), median, p95, max(lengths)),
        "response": Lengths(len(lengths), 1, 1, 1, 1),
    }


def test_progress_counts_thousands_of_rows(tmp_path: Path) -> None:
    counted: list[int] = []
    rows = [{"query": "q", "response": "r"}] * 2500
    check_dataset(written(tmp_path, rows), on_progress=counted.append)
    assert counted == [1000, 1000]


def test_strict_raises_the_first_error(tmp_path: Path) -> None:
    path = written(tmp_path, [{"query": "q", "response": "r"}, {"query": "q"}])
    with pytest.raises(InputError, match=r"gen_qa\.jsonl:2: response: is missing"):
        check_dataset(path, strict=True)
