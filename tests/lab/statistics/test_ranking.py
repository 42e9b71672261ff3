from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

from evalayer_lab.statistics import auroc

ROWS = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.2, 0.6, 1.0])), st.booleans()), min_size=2, max_size=60
).filter(lambda rows: len({correct for _, correct in rows}) == 2)


@given(rows=ROWS)
def test_equals_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    confidence, correct = map(list, zip(*rows, strict=True))
    assert auroc(confidence, correct).value == pytest.approx(roc_auc_score(correct, confidence), abs=1e-9)


@given(rows=ROWS)
def test_the_error_is_that_of_delong(rows: list[tuple[float, bool]]) -> None:
    confidence, correct = (np.array(column) for column in zip(*rows, strict=True))
    right, wrong = confidence[correct], confidence[~correct]
    estimate = auroc(confidence, correct, level=0.9)
    # of the placement values, from midranks
    beats = (rankdata(np.append(right, wrong))[: len(right)] - rankdata(right)) / len(wrong)
    is_beaten = 1 - (rankdata(np.append(right, wrong))[len(right) :] - rankdata(wrong)) / len(right)
    assert estimate.value == pytest.approx(beats.mean(), abs=1e-9)
    if min(len(right), len(wrong)) < 2 or estimate.value in {0.0, 1.0}:
        assert estimate.low is None
        return
    error = np.sqrt(beats.var(ddof=1) / len(right) + is_beaten.var(ddof=1) / len(wrong))
    if error < 1e-9:
        return
    area = beats.mean()
    half = norm.ppf(0.95) * error / (area * (1 - area))
    assert estimate.low == pytest.approx(expit(logit(area) - half), abs=1e-9)
    assert estimate.high == pytest.approx(expit(logit(area) + half), abs=1e-9)


def test_the_interval_covers() -> None:
    generator = np.random.default_rng(0)
    correct = np.repeat([True, False], [60, 30])
    truth = norm.cdf(1 / np.sqrt(2))
    covered = 0
    for _ in range(1000):
        estimate = auroc(norm.cdf(generator.normal(size=90) + correct), correct)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= truth <= estimate.high
    assert 0.93 <= covered / 1000 <= 0.97


def test_the_order_of_the_rows_does_not_matter() -> None:
    generator = np.random.default_rng(1)
    confidence, correct = generator.random(300).round(1), generator.random(300) < 0.7
    order = generator.permutation(300)
    assert auroc(confidence, correct) == auroc(confidence[order], correct[order])


@pytest.mark.parametrize(
    ("confidence", "correct", "value"),
    [
        ([], [], None),
        ([0.5], [1], None),
        ([0.5, 0.7], [0, 0], None),
        ([0.5] * 4, [1, 1, 0, 0], 0.5),
        ([1, 0], [1, 0], 1),
    ],
)
def test_without_an_interval(confidence: list[float], correct: list[int], value: float | None) -> None:
    estimate = auroc(confidence, correct, n_unscored=2)
    assert (estimate.value, estimate.low, estimate.high, estimate.n_unscored) == (value, None, None, 2)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="row 0 has nan"):
        auroc([float("nan")], [1])
    with pytest.raises(ValueError, match="level"):
        auroc([0.5], [1], level=1)
