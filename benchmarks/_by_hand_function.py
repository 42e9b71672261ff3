"""A hand-written Lambda function for the support tickets: the contract, jsonschema, Powertools, no framework.

It scores what `processors/support_tickets.py` scores, with the shortest code that a person would write for it.
"""

import hashlib
import json
import re
from itertools import pairwise
from time import perf_counter
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer, single_metric  # noqa: F401 (as the deployed function does)
from aws_lambda_powertools.metrics import MetricUnit
from jsonschema import Draft202012Validator

CLASSES = ("hardware", "software", "network", "access")
SCHEMA = {
    "type": "object",
    "required": ["class", "thought", "description"],
    "properties": {
        "class": {"enum": list(CLASSES)},
        "thought": {"type": "string", "minLength": 10},
        "description": {"type": "string", "minLength": 10},
    },
    "additionalProperties": False,
}
VIOLATIONS = ("not_json", "type", "enum", "required", "additionalProperties", "minLength")
FIELDS = {"preprocess": {"system", "prompt", "gold"}, "postprocess": {"prompt", "inference_output", "gold"}}
HEDGES = {"maybe", "perhaps", "possibly", "might", "could"}
WORD = re.compile(r"[^\W_]+")
validator = Draft202012Validator(SCHEMA)
logger = Logger(service="by_hand")
metrics = Metrics(namespace="by_hand", service="by_hand")


class InvalidEvent(Exception):
    """An event that breaks the contract."""


def check(event: Any) -> dict[str, Any]:
    kind, data = event.get("process_type"), event.get("data")
    if set(event) != {"process_type", "data"} or not isinstance(data, dict) or not data.keys() <= FIELDS[kind]:
        raise InvalidEvent("the event breaks the contract")
    for field in FIELDS[kind]:
        value = data.get(field)
        if not isinstance(value, str) and not (field == "system" and value is None):
            raise InvalidEvent(f"data.{field} must be text")
    return data


def parse(text: str) -> Any:
    text = text.strip().removeprefix("<|begin_of_solution|>").removesuffix("<|end_of_solution|>").strip()
    text = re.sub(r"\A```(?:json)?\s*|\s*```\Z", "", text)
    try:
        return json.loads(text)
    except ValueError:
        return None


def words(text: Any) -> list[str]:
    return WORD.findall(text.lower()) if isinstance(text, str) else []


def share(part: list[str], whole: list[str]) -> float:
    known = set(whole)
    return sum(word in known for word in part) / len(part) if part else 0.0


def variety(said: list[str]) -> float:
    pairs = list(pairwise(said))
    return len(set(pairs)) / len(pairs) if pairs else 1.0


def score(data: dict[str, Any]) -> list[dict[str, Any]]:
    answer, gold = parse(data["inference_output"]), parse(data["gold"])
    fields = answer if isinstance(answer, dict) else {}
    said, wanted = fields.get("class"), gold.get("class") if isinstance(gold, dict) else None
    scores = {"class.correct": float(said == wanted)}
    for label in CLASSES:
        scores[f"class.tp.{label}"] = float(said == label == wanted)
        scores[f"class.fp.{label}"] = float(said == label != wanted)
        scores[f"class.fn.{label}"] = float(wanted == label != said)
    errors = {"not_json"} if answer is None else {error.validator for error in validator.iter_errors(answer)}
    scores["schema.valid"] = float(not errors)
    scores["schema.satisfied"] = 1 - len(errors) / len(VIOLATIONS)
    scores |= {f"schema.violation.{name}": float(name in errors) for name in VIOLATIONS}
    thought, description, ticket = map(words, (fields.get("thought"), fields.get("description"), data["prompt"]))
    scores["coherence.grounding"] = share(thought, ticket)
    scores["coherence.conclusion"] = float(said in thought)
    scores["coherence.non_repetition"] = variety(thought)
    scores["coherence.decisiveness"] = 1 - share(thought, list(HEDGES))
    scores["description.length"] = float(5 <= len(description) <= 60)
    scores["description.names_evidence"] = share(description, ticket)
    scores["description.non_repetition"] = variety(description)
    claimed = re.findall(r"\d+", f"{fields.get('thought')} {fields.get('description')}")
    scores["invents_no_number"] = float(set(claimed) <= set(re.findall(r"\d+", data["prompt"])))
    return [{"metric": name, "value": value} for name, value in scores.items()]


def answer_event(event: Any) -> dict[str, Any]:
    started = perf_counter()
    data = check(event)
    if event["process_type"] == "preprocess":
        return {"statusCode": 200, "body": {**data, "prompt": f"Classify this ticket.\n{data['prompt']}"}}
    body = score(data)
    row_hash = hashlib.sha256(f"{data['prompt']}\0{data['gold']}".encode()).hexdigest()[:16]
    metrics.add_metric("Latency", MetricUnit.Milliseconds, (perf_counter() - started) * 1000)
    for name in ("RowsScored", "RowsUnscored", "MetricsUnscored", "MetricErrors"):
        metrics.add_metric(name, MetricUnit.Count, float(name == "RowsScored"))
    logger.info("answered", extra={"row_hash": row_hash, "process_type": event["process_type"]})
    return {"statusCode": 200, "body": body}


@logger.inject_lambda_context(log_event=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    return answer_event(event)
