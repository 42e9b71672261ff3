"""A function as users of the AWS SDK write it: two decorated functions, under the SDK's first import name."""

from typing import Any

from nova_custom_evaluation_sdk.lambda_handler import build_lambda_handler
from nova_custom_evaluation_sdk.processors.decorators import postprocess, preprocess


@preprocess
def shorten(event: dict[str, Any], context: Any) -> dict[str, Any]:
    row = event["data"]
    body = {"system": "Réponds en un mot.", "prompt": row["prompt"][:40], "gold": row["gold"]}
    return {"statusCode": 200, "body": body}


@postprocess
def overlap(event: dict[str, Any], context: Any) -> dict[str, Any]:
    row = event["data"]
    said, wanted = (set(row[name].lower().split()) for name in ("inference_output", "gold"))
    shared = len(said & wanted) / max(len(said | wanted), 1)
    return {
        "statusCode": 200,
        "body": [{"metric": "overlap", "value": shared}, {"metric": "words", "value": len(said)}],
    }


lambda_handler = build_lambda_handler(preprocessor=shorten, postprocessor=overlap)
