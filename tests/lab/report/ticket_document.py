"""A report on support tickets of any number: figures of simulated rows, so that they agree with each other."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tests.lab.report.estimates import about, share
from tests.lab.report.ticket_words import comparison, error_kinds, examples, findings, origin

from evalayer_lab.report import Document, Estimate
from evalayer_lab.report._document import (
    Bin,
    Classification,
    Confidence,
    Gate,
    HeatMap,
    Hedging,
    Histogram,
    Join,
    Label,
    Metric,
    Quadrant,
    Recalibration,
    RiskPoint,
    Rows,
    Segment,
    Segments,
    Slice,
    Slices,
)

LABELS = ("hardware", "software", "network", "access")
KEYS = {
    "priority": ("low", "medium", "high", "critical"),
    "category": ("incident", "request", "question", "follow_up"),
    "difficulty": ("easy", "medium", "hard"),
    "domain": ("finance", "healthcare", "education", "manufacturing", "retail", "remote_work"),
}


def tickets(n: int = 220, labels: Sequence[str] = LABELS, *, compared: bool = True, texts: bool = True) -> Document:
    """A report on support tickets: figures of simulated rows, so that they agree with each other."""
    rng = np.random.Generator(np.random.PCG64(7))
    n_scored = n - max(1, n // 110) if n > 1 else n
    gold = rng.integers(len(labels), size=n_scored)
    keys = {key: rng.integers(len(values), size=n_scored) for key, values in KEYS.items()}
    skill = 2.1 - 1.6 * (keys["difficulty"] == 2) - 0.9 * (keys["domain"] == 1) * (keys["priority"] == 0)
    right = rng.random(n_scored) < 1 / (1 + np.exp(-skill))
    other = (gold + rng.choice([1, 1, 1, 2, 3], size=n_scored)) % len(labels)
    predicted = np.where(right, gold, other)
    predicted = np.where(~right & (rng.random(n_scored) < 0.12), len(labels), predicted)
    right = predicted == gold
    sure = 1 / (1 + np.exp(-(0.4 + 0.9 * skill + 1.2 * right + rng.normal(0, 1.1, n_scored))))
    return Document(
        evalayer="0.2.0",
        run=origin("support_tickets_nova_lite"),
        rows=Rows(
            expected=n,
            read=n,
            bad=0,
            failed=n - n_scored,
            scored=n_scored,
            unparseable=int(np.sum(predicted == len(labels))),
        ),
        join=Join(
            missing=1,
            duplicate=4,
            without_metadata=3,
            without_logprobs=2,
            problems=("Row 17 has no log probabilities.",),
        ),
        failures={"ThrottlingException": n - n_scored} if n > n_scored else {},
        unscored={"reasoning_coherence": {"no JSON object in the answer": 6}},
        metrics=_metrics(right, n_scored),
        decoded={"class.accuracy": float(right.mean()), "class.f1_macro": 0.801, "class.mcc": None},
        classifications=(_classification(gold, predicted, labels),),
        confidence=_confidence(sure, right),
        segments=_segments(keys, right, sure),
        heat_map=_heat_map(keys, right),
        slices=_slices(keys, right),
        error_kinds=error_kinds(n_scored),
        hedging=Hedging(
            wrong=share(int(n_scored * 0.06), max(1, int(n_scored * 0.2))),
            correct=share(int(n_scored * 0.04), max(1, int(n_scored * 0.8))),
            commonest={"perhaps": 11, "might": 7, "vielleicht": 2},
        ),
        findings=findings(n_scored),
        examples=examples(texts=texts),
        comparison=comparison(n_scored) if compared else None,
        assumptions=("A row that fails is left out of every fold.", "Rows are independent of each other."),
        notes=("2 rows have no log probabilities; figures of confidence stand on the others.",),
        next_step="Read the rows with difficulty = hard first: accuracy is 0.629 on these rows and 0.825 on all.",
        methods={
            "wilson": "Wilson score interval of a proportion. It never has zero width, not at 0 and not at 1.",
            "bootstrap": "Percentiles of 1,000 resamples of the rows, drawn with PCG64 and seed 0.",
            "student_t": "Mean of the scored rows with Student's t interval.",
            "confidence": "The product of the probabilities of the tokens that overlap the label in the answer.",
            "gate": "Clopper-Pearson along a fixed sequence of thresholds from the most confident row down.",
        },
    )


def _metrics(right: NDArray[np.bool_], n: int) -> tuple[Metric, ...]:
    correct = int(right.sum())
    schema = int(n * 0.955)
    return (
        Metric(
            name="class.correct",
            metric="class",
            part="correct",
            higher_is_better=True,
            estimate=share(correct, n),
            reported=correct / n,
        ),
        Metric(
            name="class.tp.hardware",
            metric="class",
            part="tp.hardware",
            estimate=share(correct // 4, n),
            reported=correct / n / 4,
        ),
        Metric(
            name="schema_adherence",
            metric="schema_adherence",
            higher_is_better=True,
            estimate=share(schema, n),
            reported=schema / n,
        ),
        Metric(
            name="reasoning_coherence",
            metric="reasoning_coherence",
            higher_is_better=True,
            estimate=about(0.713, max(0, n - 6), 0.03, "student_t").model_copy(update={"n_unscored": 6}),
            worst=0.694,
            best=0.721,
            reported=0.694,
        ),
        Metric(
            name="rouge_l",
            metric="rouge_l",
            higher_is_better=True,
            estimate=about(0.482, n, 0.02, "student_t"),
            reported=0.482,
        ),
        Metric(
            name="answer_length", metric="answer_length", estimate=about(212.4, n, 6.0, "student_t"), reported=212.4
        ),
    )


def _classification(gold: NDArray[np.int64], predicted: NDArray[np.int64], labels: Sequence[str]) -> Classification:
    counts = np.zeros((len(labels), len(labels) + 1), dtype=np.int64)
    np.add.at(counts, (gold, predicted), 1)
    n, hits = len(gold), np.diagonal(counts)
    of_gold, given = counts.sum(axis=1), counts.sum(axis=0)
    f1 = 2 * hits / np.maximum(1, of_gold + given[:-1])
    return Classification(
        metric="class",
        figures={
            "accuracy": share(int(hits.sum()), n),
            "balanced_accuracy": about(float((hits / np.maximum(1, of_gold)).mean()), n),
            "f1_macro": about(float(f1.mean()), n),
            "f1_weighted": about(float(f1.mean()) + 0.004, n),
            "mcc": about(0.742, n),
            "kappa": about(0.741, n),
        },
        labels=tuple(
            Label(
                label=label,
                gold=int(of_gold[index]),
                predicted=int(given[index]),
                precision=share(int(hits[index]), int(given[index])),
                recall=share(int(hits[index]), int(of_gold[index])),
                f1=about(float(f1[index]), int(of_gold[index]), 0.03),
            )
            for index, label in enumerate(labels)
        ),
        confusion=tuple(tuple(int(n) for n in row) for row in counts),
        n_left_out=1,
    )


def _confidence(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Confidence:
    n = len(sure)
    order = np.argsort(-sure, kind="stable")
    risk = np.cumsum(~right[order]) / np.arange(1, n + 1)
    places = np.unique(np.linspace(0, n - 1, min(n, 300)).astype(int))
    allowed = np.nonzero(risk <= 0.05)[0]
    accepted = int(allowed[-1] * 0.8) + 1 if len(allowed) else 0
    promise = (
        f"The {accepted:,} answers with the highest confidence can be used unseen: at most 5% of them are wrong, with "
        "95% confidence."
    )
    gate = Gate(
        max_risk=0.05,
        level=0.95,
        threshold=float(sure[order][accepted - 1]) if accepted else None,
        coverage=accepted / n,
        n_accepted=accepted,
        n_errors=int(np.sum(~right[order][:accepted])),
        risk_upper=0.048 if accepted else None,
        sentence=promise if accepted else "No threshold keeps the share of errors at 5%: there are too few rows.",
    )
    high = sure > 0.7
    quadrants = (
        Quadrant(
            name="sound", meaning="Sure and right.", rows=int(np.sum(high & right)), share=float(np.mean(high & right))
        ),
        Quadrant(
            name="conservative",
            meaning="Right, yet unsure: reviewed for nothing.",
            rows=int(np.sum(~high & right)),
            share=float(np.mean(~high & right)),
        ),
        Quadrant(
            name="overconfident",
            meaning="Wrong with a confidence above 0.7: these slip through.",
            rows=int(np.sum(high & ~right)),
            share=float(np.mean(high & ~right)),
        ),
        Quadrant(
            name="critical",
            meaning="Unsure and wrong: a review finds these.",
            rows=int(np.sum(~high & ~right)),
            share=float(np.mean(~high & ~right)),
        ),
    )
    edges = np.linspace(0, 1, 21)
    return Confidence(
        kind="the joint probability of the label's tokens",
        correctness="class.correct",
        n=n,
        missing={"the answer holds no label": 5, "the row has no log probabilities": 2},
        mean=float(sure.mean()),
        accuracy=share(int(right.sum()), n),
        expected_calibration_error=about(0.061, n, 0.02),
        maximum_calibration_error=about(0.214, n, 0.08),
        debiased_l2_calibration_error=about(0.052, n, 0.02),
        brier_score=about(0.118, n, 0.02),
        reliability=0.011,
        resolution=0.037,
        uncertainty=0.144,
        log_loss=0.391,
        auroc=about(0.812, n, 0.04),
        aurc=0.061,
        excess_aurc=0.043,
        bins=_bins(sure, right),
        risk_coverage=tuple(
            RiskPoint(coverage=(place + 1) / n, risk=float(risk[place]), threshold=float(sure[order][place]))
            for place in map(int, places)
        ),
        gate=gate,
        histogram=Histogram(
            edges=tuple(edges.tolist()),
            correct=tuple(np.histogram(sure[right], edges)[0].tolist()),
            wrong=tuple(np.histogram(sure[~right], edges)[0].tolist()),
        ),
        recalibrations=(
            Recalibration(
                method="temperature", calibration_error=0.034, log_loss=0.372, parameters={"temperature": 1.31}
            ),
            Recalibration(
                method="platt", calibration_error=0.031, log_loss=0.370, parameters={"slope": 0.78, "intercept": -0.11}
            ),
            Recalibration(method="isotonic", calibration_error=0.038, log_loss=0.401),
        ),
        quadrants=quadrants,
        generated_is_largest=n - n // 70,
        generated_is_not_largest=n // 70,
        widest_bounds=0.031,
    )


def _bins(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    edges = np.linspace(0, 1, 16)
    bins = []
    for low, high in itertools.pairwise(edges.tolist()):
        inside = (sure > low) & (sure <= high)
        n = int(inside.sum())
        mean = float(sure[inside].mean()) if n else None
        bins.append(Bin(low=low, high=high, n=n, mean_confidence=mean, accuracy=share(int(right[inside].sum()), n)))
    return tuple(bins)


def _segments(keys: dict[str, NDArray[np.int64]], right: NDArray[np.bool_], sure: NDArray[np.float64]) -> Segments:
    whole = share(int(right.sum()), len(right), 2)
    found = []
    for key, values in KEYS.items():
        for index, value in enumerate(values):
            inside = keys[key] == index
            n = int(inside.sum())
            if n == 0:
                continue
            estimate = share(int(right[inside].sum()), n)
            mean = float(sure[inside].mean())
            found.append(
                Segment(
                    conditions={key: value},
                    rows=n,
                    estimate=estimate,
                    mean_confidence=mean,
                    calibration_gap=mean - (estimate.value or 0.0),
                    quadrant="overconfident" if (estimate.value or 0.0) < 0.7 else "sound",
                    stands_out=(estimate.high or 1.0) < (whole.value or 0.0),
                )
            )
    found.sort(key=lambda segment: segment.estimate.high or 1.0)
    return Segments(
        metric="class.correct",
        higher_is_better=True,
        whole=whole,
        min_rows=10,
        too_small=2,
        ranked=tuple(found),
        n_ranked=len(found),
    )


def _heat_map(keys: dict[str, NDArray[np.int64]], right: NDArray[np.bool_]) -> HeatMap:
    def cell(row: int, column: int) -> Estimate | None:
        inside = (keys["domain"] == row) & (keys["priority"] == column)
        return share(int(right[inside].sum()), int(inside.sum())) if inside.any() else None

    return HeatMap(
        metric="class.correct",
        row_key="domain",
        column_key="priority",
        rows=KEYS["domain"],
        columns=KEYS["priority"],
        cells=tuple(
            tuple(cell(row, column) for column in range(len(KEYS["priority"]))) for row in range(len(KEYS["domain"]))
        ),
    )


def _slices(keys: dict[str, NDArray[np.int64]], right: NDArray[np.bool_]) -> Slices:
    inside = (keys["difficulty"] == 2) & (keys["domain"] <= 2)
    n, errors = int(inside.sum()), int(np.sum(~right[inside]))
    found: tuple[Slice, ...] = ()
    if n:
        found = (
            Slice(
                conditions={"difficulty": "hard", "domain": "healthcare"},
                rows=n,
                estimate=share(n - errors, n),
                shrunk=0.655,
                p_value=0.00004,
                q_value=0.0042,
                share_of_errors=errors / max(1, int(np.sum(~right))),
            ),
        )
    sentence = "One slice fails more than chance explains." if found else "No slice stands out."
    return Slices(metric="class.correct", searched=96, min_rows=15, level=0.05, found=found, sentence=sentence)
