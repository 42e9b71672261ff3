"""The same two metrics and the same contract, checked in both directions by pydantic models."""

import logging
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

logger = logging.getLogger("benchmark")
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Row(Strict):
    prompt: str
    gold: str
    system: str | None = None


class Answer(Strict):
    prompt: str
    inference_output: str
    gold: str


class PreprocessEvent(Strict):
    process_type: Literal["preprocess"]
    data: Row


class PostprocessEvent(Strict):
    process_type: Literal["postprocess"]
    data: Answer


class PreprocessResponse(Strict):
    statusCode: Literal[200]  # noqa: N815 (the wire's name)
    body: Row


class MetricValue(Strict):
    metric: str
    value: Finite


class PostprocessResponse(Strict):
    statusCode: Literal[200]  # noqa: N815 (the wire's name)
    body: list[MetricValue]


class InvalidEvent(Exception):
    """An event that breaks the contract."""


def exact(answer: Answer) -> float:
    return float(answer.inference_output == answer.gold)


def length_ratio(answer: Answer) -> float:
    return len(answer.inference_output) / max(len(answer.gold), 1)


METRICS = {"exact": exact, "length_ratio": length_ratio}


def lambda_handler(event: Any, context: object = None) -> dict[str, Any]:
    kind = event.get("process_type") if isinstance(event, dict) else None
    try:
        if kind == "preprocess":
            row = PreprocessEvent.model_validate(event).data
            body = Row(prompt=row.prompt, gold=row.gold, system="Be brief.")
            return PreprocessResponse(statusCode=200, body=body).model_dump()
        if kind == "postprocess":
            return score(PostprocessEvent.model_validate(event).data)
    except ValidationError as error:
        raise InvalidEvent(str(error)) from error
    return {"statusCode": 400, "body": {"error": f"Unsupported process_type: {kind}"}}


def score(answer: Answer) -> dict[str, Any]:
    body: list[MetricValue] = []
    for name, metric in METRICS.items():
        value, unscored = 0.0, 1.0
        try:
            value, unscored = metric(answer), 0.0
        except Exception:
            logger.exception("metric %s failed", name)
        body += [MetricValue(metric=name, value=value), MetricValue(metric=f"{name}.unscored", value=unscored)]
    return PostprocessResponse(statusCode=200, body=body).model_dump()
