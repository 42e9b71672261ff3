"""What an estimate was computed by, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Method: TypeAlias = Literal[
    "wilson",
    "wilson-clustered",
    "student-t",
    "student-t-clustered",
    "clopper-pearson",
    "jeffreys",
    "bootstrap",
    "bootstrap-clustered",
    "basic-bootstrap",
    "bonett-price",
    "delong",
    "influence",
    "prediction-powered",
    "none",
]

METHODS: Final[Mapping[Method, str]] = {
    "wilson": "Wilson's score interval of a proportion (Wilson 1927). It has width at 0 and at 1 too.",
    "wilson-clustered": "Wilson's score interval of a proportion, with as many rows as independent ones would be worth "
    "the clusters, and Student's t quantile of one degree of freedom less than there are clusters.",
    "student-t": "The mean with Student's t interval, from the standard deviation with ddof = 1; cut to 0 to 1 for "
    "scores from 0 to 1.",
    "student-t-clustered": "The mean with Student's t interval from the clustered standard error (Miller 2024), with "
    "one degree of freedom less than there are clusters.",
    "clopper-pearson": "The exact interval of a proportion (Clopper and Pearson 1934).",
    "jeffreys": "The equal-tailed interval of a proportion from the Jeffreys posterior (Brown, Cai and DasGupta 2001).",
    "bootstrap": "The percentile bootstrap over rows, drawn as counts of the cells of the confusion matrix, with a few "
    "imagined rows so that a run without errors has width.",
    "bootstrap-clustered": "The percentile bootstrap over clusters of rows, with a few imagined rows so that a run "
    "without errors has width.",
    "basic-bootstrap": "The basic bootstrap over rows, drawn as counts of the bins.",
    "bonett-price": "The adjusted Wald interval of a difference of paired proportions (Bonett and Price 2012).",
    "delong": "The area under the ROC curve, ties counted half, with the interval of DeLong et al. (1988).",
    "influence": "A normal interval from the mean squared influence of a row.",
    "prediction-powered": "The mean of labels and predictions with Student's t interval (Angelopoulos et al. 2023).",
    "none": "No interval is known.",
}
"""By the name that an estimate gives as its method."""
