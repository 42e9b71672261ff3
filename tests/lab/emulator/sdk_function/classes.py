"""The same function on the SDK's classes, under its second import name."""

from typing import Any

import decorated

from llm_eval_kit.lambda_handler import build_lambda_handler
from llm_eval_kit.processors.post_processor import PostProcessor
from llm_eval_kit.processors.pre_processor import PreProcessor


class Shorten(PreProcessor):
    def process(self, event: dict[str, Any], context: Any) -> Any:
        return decorated.shorten(event, context)


class Overlap(PostProcessor):
    def process(self, event: dict[str, Any], context: Any) -> Any:
        return decorated.overlap(event, context)


lambda_handler = build_lambda_handler(preprocessor=Shorten(), postprocessor=Overlap())
