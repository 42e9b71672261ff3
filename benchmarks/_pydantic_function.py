"""The hand-written function with its contract as pydantic models, in both directions."""

from typing import Annotated, Any, Literal

import _by_hand_function as by_hand
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


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


class Preprocess(Strict):
    process_type: Literal["preprocess"]
    data: Row


class Postprocess(Strict):
    process_type: Literal["postprocess"]
    data: Answer


class MetricValue(Strict):
    metric: str
    value: Annotated[float, Field(allow_inf_nan=False)]


class Response(Strict):
    statusCode: int  # noqa: N815 (the wire's name)
    body: Row | list[MetricValue]


EVENT: TypeAdapter[Preprocess | Postprocess] = TypeAdapter(
    Annotated[Preprocess | Postprocess, Field(discriminator="process_type")]
)


@by_hand.logger.inject_lambda_context(log_event=False)
@by_hand.metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    checked = EVENT.validate_python(event).model_dump()
    return Response.model_validate(by_hand.answer_event(checked)).model_dump()
