"""The figures of a run as metrics of CloudWatch."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from evalayer_lab.aws import asking
from evalayer_lab.inputs import InputError
from evalayer_lab.publish._figures import escaped

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef

    from evalayer_lab.aws import Aws
    from evalayer_lab.publish._publication import Publication

_NAMESPACE: Final = re.compile(r"(?!:)(?!AWS/)[A-Za-z0-9.\-_/#: ]{1,255}", re.ASCII)
_LONGEST_NAME: Final = 255
_LONGEST_VALUE: Final = 1024
_LARGEST: Final = 2.0**360
_AT_ONCE: Final = 1000
_BYTES_AT_ONCE: Final = 600_000  # of JSON; a request may have 1 MB
_OLDEST: Final = timedelta(days=14)
_NEWEST: Final = timedelta(hours=2)


def publish_cloudwatch(
    publication: Publication,
    aws: Aws | None,
    *,
    namespace: str = "evalayer",
    by_run: bool = False,
    time: datetime | None = None,
) -> list[dict[str, Any]]:
    """Send the figures of a run and its counts of rows, each under its name.

    A figure without a value is left out. The counts are `rows.scored`, `rows.failed` and `rows.bad` of the run, and
    `<metric>.rows.scored` and `<metric>.rows.unscored` of each metric of the rows.

    Args:
        publication: the run.
        aws: the region; None asks nothing, and only describes the requests.
        namespace: the namespace of the metrics.
        by_run: add the dimension `Run`, so that every run is a metric of its own.
        time: when the values are of; by default when the run began.

    Returns:
        What each PutMetricData is asked.

    Raises:
        InputError: the time is not known, or CloudWatch does not take it, or a name, a value or the namespace.
        AwsError: CloudWatch did not take the values.
    """
    if not _NAMESPACE.fullmatch(namespace) or not namespace.strip():
        raise InputError(
            f"is {namespace!r}; a namespace has only letters, digits and .-_/#: and does not begin with AWS/ or :",
            field="--namespace",
        )
    moment = time or publication.run.started
    if moment is None:
        raise InputError("the output does not say when it was made; give --now to date the values so")
    requests = _batches(namespace, _describe_values(publication, moment, by_run=by_run))
    if aws is None:
        return requests
    if not -_NEWEST <= datetime.now(UTC) - moment <= _OLDEST:
        raise InputError(
            f"the run began {moment:%Y-%m-%d %H:%M} UTC, and CloudWatch accepts only values of the last 14 days; "
            "give --now to date them now"
        )
    for request in requests:
        with asking("cloudwatch:PutMetricData", f"the namespace {namespace}"):
            aws.cloudwatch.put_metric_data(**request)
    return requests


def _describe_values(publication: Publication, moment: datetime, *, by_run: bool) -> list[MetricDatumTypeDef]:
    run = publication.run
    dimensions = {"Task": run.task, "Model": run.model} | ({"Run": run.id} if by_run else {})
    listed: list[DimensionTypeDef] = [
        {"Name": name, "Value": _text(value, _LONGEST_VALUE)} for name, value in dimensions.items()
    ]
    return [
        {
            "MetricName": _text(name, _LONGEST_NAME),
            "Dimensions": listed,
            "Timestamp": moment,
            "Value": _checked(name, value),
            "Unit": "Count" if is_count else "None",
        }
        for name, value, is_count in _values(publication)
    ]


def _batches(namespace: str, data: Sequence[MetricDatumTypeDef]) -> list[dict[str, Any]]:
    """What each PutMetricData is asked, within its limits."""
    batches: list[list[MetricDatumTypeDef]] = []
    size = 0
    for datum in data:
        length = len(json.dumps(datum, default=str))
        if not batches or len(batches[-1]) == _AT_ONCE or size + length > _BYTES_AT_ONCE:
            batches.append([])
            size = 0
        batches[-1].append(datum)
        size += length
    return [{"Namespace": namespace, "MetricData": batch} for batch in batches]


def _values(publication: Publication) -> Iterator[tuple[str, float, bool]]:
    """Name, value, and whether it is a count."""
    counted: set[str] = set()
    for figure in publication.figures:
        if figure.estimate.value is not None:
            yield figure.name, figure.estimate.value, False
    for metric in publication.document.metrics:
        if metric.metric not in counted:
            counted.add(metric.metric)
            yield f"{metric.metric}.rows.scored", metric.estimate.n, True
            yield f"{metric.metric}.rows.unscored", metric.estimate.n_unscored, True
    for name, count in publication.row_counts.items():
        yield name, count, True


def _text(text: str, longest: int) -> str:
    """A name or a value of a dimension: what is not printable ASCII is percent-encoded."""
    encoded = escaped(text, lambda character: character.isascii() and character.isprintable())
    if encoded.startswith(":"):
        encoded = "%3A" + encoded[1:]
    if not encoded.strip() or len(encoded) > longest:
        raise InputError(f"{text!r} cannot be a name in CloudWatch: it takes 1 to {longest} characters")
    return encoded


def _checked(name: str, value: float) -> float:
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise InputError(f"{name!r} is {value}; CloudWatch takes finite numbers up to 2 to the power of 360")
    return float(value)
