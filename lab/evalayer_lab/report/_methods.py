"""How each number was computed, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from evalayer_lab.report._confidence import HIGH
from evalayer_lab.report._document import Document, Estimate

METHODS: Final = {
    "wilson": "Wilson's score interval of a proportion (Wilson 1927). It has width at 0 and at 1 too.",
    "student-t": "The mean with Student's t interval, from the standard deviation with ddof = 1; cut to 0 to 1 for "
    "scores from 0 to 1.",
    "student-t-clustered": "The mean with Student's t interval from the clustered standard error (Miller 2024), one "
    "degree of freedom less than there are clusters.",
    "clopper-pearson": "The exact interval of a proportion (Clopper and Pearson 1934).",
    "bootstrap": "The percentile bootstrap over rows, drawn as counts of the cells of the confusion matrix, with a few "
    "imagined rows so that a run without errors has width.",
    "basic-bootstrap": "The basic bootstrap over rows, drawn as counts of the bins.",
    "bonett-price": "The adjusted Wald interval of a difference of paired proportions (Bonett and Price 2012).",
    "delong": "The area under the ROC curve, ties counted half, with the interval of DeLong et al. (1988).",
    "influence": "A normal interval from the mean squared influence of a row.",
    "none": "No interval is known.",
}
_SECTIONS: Final = {
    "metrics": "A metric's mean is over the rows that it scored. Worst and best case count every unscored row as the "
    "worse, or better, of 0 and 1. The mean is of the exact sum, rounded once, so it has the same bits in any order.",
    "classifications": "Figures are decoded from the counters of each row, exactly, over all scored rows. A "
    "prediction that is none of the labels is wrong: a false negative of its gold label and a false positive of none.",
    "confidence": "The label's tokens are found by their place in the answer's JSON, and their probabilities "
    "multiplied. A row without is counted, never taken as 0. Bins of the reliability diagram are (low, high], 0 in the "
    "first. Recalibration is cross-fitted in five folds, on at most 20,000 rows. The gate is the lowest threshold "
    "reached by a fixed sequence of coverages, from the most confident rows down, at whose every step the one-sided "
    "Clopper-Pearson bound of the error rate stays below the limit.",
    "segments": "Segments are ranked by the end of their interval that flatters them. One stands out when that end "
    "misses the value of the whole and the test of slices against the rest holds after Bonferroni's correction for the "
    f"number of segments. Its quadrant is by mean confidence, high from {HIGH} on, and by the value of the whole.",
    "heat_map": "The two keys whose values differ the most, by the variance between their segments.",
    "slices": "Every conjunction of up to three metadata values with enough rows is tested against the rest, and the "
    "p-values are corrected together (Benjamini and Hochberg 1995). Rates are shrunk towards the whole "
    "(empirical Bayes).",
    "error_kinds": "Each wrong answer counts once, by the first that holds: no JSON object, a violation of the schema, "
    "an unusual length (beyond the quartiles of correct answers by three times their distance), wrong content.",
    "hedging": "Words and phrases of doubt from a small list in several languages, outside of JSON keys.",
    "comparison": "Rows are paired by prompt and gold. Metrics of 0 and 1 are tested with McNemar's exact test, "
    "others, and rows in clusters, by flipping signs; p-values are corrected for the number of metrics (Benjamini and "
    "Hochberg 1995). A difference is called where its corrected p-value is at most one less the level and its "
    "interval leaves out 0.",
}


def methods_of(document: Document) -> dict[str, str]:
    """What the document's numbers need explained: its sections, then the methods of its estimates."""
    sections = {name: text for name, text in _SECTIONS.items() if getattr(document, name)}
    used = sorted({estimate.method for estimate in _estimates(document)})
    return sections | {method: METHODS[method] for method in used}


def _estimates(value: object) -> Iterator[Estimate]:
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _estimates(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _estimates(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _estimates(each)
