"""The handler under Powertools for AWS Lambda: structured logs, embedded metrics, traces.

No text of a row is logged: rows are named by their hash. The environment sets the rest, `POWERTOOLS_SERVICE_NAME`
(the task's name by default), `POWERTOOLS_METRICS_NAMESPACE` (`evalayer` by default), `POWERTOOLS_LOG_LEVEL`, and
`POWERTOOLS_TRACE_ENABLED`, which a function with active tracing sets to true.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, TypeAlias

from aws_lambda_powertools import Logger, Metrics, Tracer, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from evalayer import EvalayerError, Observation, Task, build_lambda_handler, format_failure

NAMESPACE: Final = "evalayer"
Handler: TypeAlias = Callable[..., Any]


def build_observed_handler(task: Task) -> Handler:
    """Build the Lambda handler of a task with a log line and embedded metrics for every event.

    CloudWatch gets, under the dimension `service`: `RowsScored` (rows that every metric scored), `RowsUnscored`
    (rows that at least one did not), `MetricsUnscored` and `MetricErrors` (how many of a row's metrics), `Latency`
    of a row in milliseconds, `EventErrors` (events, and rows of an rft event, that were refused or failed in the task's
    own code) and `ColdStart`; and under
    `service` and `metric` a `MetricErrors` for each metric that failed.

    Raises:
        EvalayerError: as `evalayer.build_lambda_handler`.
    """
    service = os.environ.get("POWERTOOLS_SERVICE_NAME") or task.name
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or NAMESPACE
    logger = Logger(service=service)
    metrics = Metrics(namespace=namespace, service=service)

    def log_failure(message: str, error: EvalayerError, row: Mapping[str, str]) -> None:
        cause = error.__cause__
        failure = format_failure(cause if isinstance(cause, Exception) else error)
        logger.error(message, extra={**row, "error": type(error).__name__, "failure": failure})
        metrics.add_metric("EventErrors", MetricUnit.Count, 1)

    def observe(observation: Observation) -> None:
        metrics.add_metric("Latency", MetricUnit.Milliseconds, observation.seconds * 1000)
        if observation.process_type != "preprocess":
            metrics.add_metric("RowsScored", MetricUnit.Count, not observation.unscored)
            metrics.add_metric("RowsUnscored", MetricUnit.Count, bool(observation.unscored))
            metrics.add_metric("MetricsUnscored", MetricUnit.Count, len(observation.unscored))
            metrics.add_metric("MetricErrors", MetricUnit.Count, len(observation.errors))
        row = {
            "task": observation.task,
            "process_type": observation.process_type,
            "row_hash": observation.row_hash,
        }
        if observation.failure is not None:
            log_failure("row failed", observation.failure, row)
        for name, error in observation.errors.items():
            logger.error("metric failed", extra={**row, "metric": name, "failure": format_failure(error)})
            dimensions = {"service": service, "metric": name}
            with single_metric("MetricErrors", MetricUnit.Count, 1, namespace=namespace, default_dimensions=dimensions):
                pass
        logger.info("answered", extra={**row, "unscored": sorted(observation.unscored)})

    handler = build_lambda_handler(task, observer=observe)

    @logger.inject_lambda_context(log_event=False)
    @metrics.log_metrics(capture_cold_start_metric=True)
    @wraps(handler)
    def lambda_handler(event: Any, context: Any) -> Any:
        try:
            response = handler(event, context)
        except EvalayerError as error:
            log_failure("event failed", error, {})
            raise
        if isinstance(response, dict) and response["statusCode"] != 200:
            logger.error("event refused", extra=response["body"])
            metrics.add_metric("EventErrors", MetricUnit.Count, 1)
        return response

    observed: Handler = lambda_handler
    if os.environ.get("POWERTOOLS_TRACE_ENABLED", "").lower() in {"1", "true"}:
        # The response and the errors of a row hold its text: neither goes into the trace.
        tracer = Tracer(service=service)
        observed = tracer.capture_lambda_handler(observed, capture_response=False, capture_error=False)
    return observed
