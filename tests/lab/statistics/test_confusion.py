from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from evalayer_lab.statistics import confusion_from_counters

CLASSES = 3
PAIRS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES)), min_size=1, max_size=60)


@given(pairs=PAIRS)
def test_equals_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    tp, fp, fn = (np.zeros((len(pairs), CLASSES)) for _ in range(3))
    for row, (gold, predicted) in enumerate(pairs):
        if gold == predicted:
            tp[row, gold] = 1
        else:
            fn[row, gold] = 1
            if predicted < CLASSES:
                fp[row, predicted] = 1
    matrix = confusion_from_counters(tp, fp, fn)
    gold_classes, predicted_classes = zip(*pairs, strict=True)
    expected = confusion_matrix(gold_classes, predicted_classes, labels=range(CLASSES + 1))
    assert matrix.counts.tolist() == expected[:CLASSES].tolist()
    assert matrix.n_left_out == 0


def test_rows_without_one_gold_class_are_left_out() -> None:
    tp = np.array([[0, 0], [1, 1], [1, 0.0]])
    matrix = confusion_from_counters(tp, np.zeros((3, 2)), np.zeros((3, 2)))
    assert (matrix.counts.tolist(), matrix.n_left_out) == ([[1, 0, 0], [0, 0, 0]], 2)


def test_no_rows() -> None:
    empty = np.zeros((0, 2))
    assert confusion_from_counters(empty, empty, empty).counts.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_bad_shapes() -> None:
    with pytest.raises(ValueError, match="one shape"):
        confusion_from_counters(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="no class"):
        confusion_from_counters(np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((1, 0)))
