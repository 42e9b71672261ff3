"""schema_adherence, with both of its engines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from evalayer import Completion, InvalidMetric, JSONValue, Unscored
from evalayer_metrics import schema_adherence
from evalayer_metrics._schema import LocalSchema, kind_of, requirement_of
from evalayer_metrics._schema_engines import Engine, Fast, Reference, compiled

LABELS = ["hardware", "software", "network", "access"]
TICKET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "class": {"enum": LABELS},
        "thought": {"type": "string", "minLength": 3},
        "n": {"type": "integer", "minimum": 0},
    },
    "required": ["class", "thought"],
    "additionalProperties": False,
}
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
NODE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"a": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}, "b": {"type": "string"}},
            "required": ["b"],
        }
    },
}
ZOO: dict[str, dict[str, Any]] = {
    "ticket": {
        "type": "object",
        "properties": {
            "a": {"enum": ["x", 1, None]},
            "b": {"type": "string", "minLength": 2},
            "c": {"type": "integer"},
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    "recursive": NODE,
    "numbers": {
        "properties": {
            "a": {"type": "integer", "minimum": -3, "exclusiveMaximum": 10},
            "b": {"type": "number", "maximum": 1.5, "multipleOf": 1},
            "c": {"const": 1},
        }
    },
    "arrays": {
        "properties": {
            "a": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
            "b": {"prefixItems": [{"type": "string"}, False], "items": False},
            "c": {"contains": {"const": 1}, "minContains": 1, "maxContains": 1},
        },
        "minProperties": 1,
    },
    "combined": {
        "allOf": [{"required": ["a"]}, {"properties": {"a": {"type": ["string", "integer"]}}}],
        "anyOf": [{"required": ["b"]}, {"required": ["c"]}],
        "oneOf": [{"required": ["b"]}, {"properties": {"c": {"type": "null"}}}],
        "not": {"required": ["d"]},
        "if": {"properties": {"a": {"const": "x"}}},
        "then": {"required": ["c"]},
        "else": {"properties": {"b": False}},
        "unevaluatedProperties": False,
    },
    "names": {
        "propertyNames": {"enum": ["a", "b", "c"]},
        "dependentRequired": {"a": ["b"]},
        "dependentSchemas": {"b": {"required": ["c"], "properties": {"c": {"type": "string"}}}},
        "maxProperties": 2,
        "additionalProperties": {"type": ["string", "boolean", "integer"]},
    },
    "unevaluated": {"properties": {"a": True}, "unevaluatedProperties": {"type": "integer"}},
    "unevaluated items": {"properties": {"a": {"prefixItems": [True], "unevaluatedItems": {"type": "integer"}}}},
    "ref with siblings": {"$ref": "#/$defs/a", "required": ["b"], "$defs": {"a": {"required": ["a", "c"]}}},
    "anchors": {
        "properties": {"a": {"$ref": "#x"}, "b": {"$dynamicRef": "#y"}},
        "$defs": {"x": {"$anchor": "x", "type": "string"}, "y": {"$dynamicAnchor": "y", "type": "integer"}},
    },
    "draft 7": {
        "$schema": DRAFT_7,
        "definitions": {"s": {"$id": "#s", "type": "string"}},
        "properties": {
            "a": {"items": [{"type": "string"}, {"type": "integer"}], "additionalItems": False},
            "b": {"$ref": "#/definitions/s", "minLength": 99},
            "c": {"items": [True], "additionalItems": {"type": "null"}},
        },
        "dependencies": {"a": ["b"], "b": {"required": ["c"]}},
    },
    "draft 7 no items": {"$schema": DRAFT_7, "properties": {"a": {"items": False}, "items": False}},
    "draft 2019": {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "properties": {"a": {"$recursiveRef": "#"}, "b": {"type": "string"}, "c": {"uniqueItems": True}},
        "unevaluatedProperties": False,
    },
    "draft 4": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"a": {"type": "string"}, "b": {"type": "number", "maximum": 3}, "c": {"enum": [1, "x", [True]]}},
        "required": ["a"],
        "additionalProperties": False,
    },
    "names that are keywords": {
        "properties": {"a": {"properties": {"not": {"type": "string"}, "anyOf": {"minimum": 3}}, "required": ["$ref"]}},
        "additionalProperties": {"enum": [None, 0]},
    },
    "format": {
        "properties": {"a": {"format": "date"}, "b": {"format": "ipv4"}, "c": {"format": "email", "type": "string"}}
    },
    "surrogate": {"properties": {"a": {"const": "x"}}, "required": ["a"]},
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-4, 12)
    | st.sampled_from(
        [2**53, 2**53 + 1, -(2**63), 2**64, 10**30, 10**400, 1.0, 0.0, -0.0, 1.5, 1e30, 1e308, 0.1, 5e-324]
    )
    | st.sampled_from(["", "x", "xy", "é", "e\u0301", "😀", "2020-01-01", "1.2.3.4", "\x00", "a\n"])
)
NAMES = st.sampled_from(["a", "b", "c", "d", "not", "items", "anyOf", "$ref", "é"])
DOCUMENTS: st.SearchStrategy[JSONValue] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


def findings(engine: Engine, document: JSONValue) -> set[tuple[tuple[object, ...], str, tuple[str, str]]]:
    return {(tuple(place), kind_of(path), requirement_of(path)) for place, path in engine.violations(document)}


LOCAL = {name: LocalSchema(name, schema) for name, schema in ZOO.items()}
REFERENCES = {name: Reference(name, local) for name, local in LOCAL.items()}
FAST = {name: Fast(name, local) for name, local in LOCAL.items()}
METRICS = {name: schema_adherence(schema) for name, schema in ZOO.items()}


@pytest.mark.parametrize("name", ZOO)
@given(document=DOCUMENTS)
def test_engines_agree(name: str, document: JSONValue) -> None:
    reference, fast = REFERENCES[name], FAST[name]
    assert reference.is_valid(document) == fast.is_valid(document)
    assert findings(reference, document) == findings(fast, document)
    assert {kind for _, kind, _ in findings(reference, document)} <= set(LOCAL[name].kinds)


@pytest.mark.parametrize("name", ZOO)
@given(document=DOCUMENTS)
def test_score_follows_the_reference(name: str, document: JSONValue) -> None:
    metric = METRICS[name]
    score = metric.score(Completion("", json.dumps(document), ""))
    assert isinstance(score, Mapping)
    assert set(score) == set(metric.parts)
    valid = REFERENCES[name].is_valid(document)
    assert score["valid"] == float(valid)
    assert (score["satisfied"] == 1.0) == valid
    assert 0.0 <= score["satisfied"] <= 1.0
    assert sum(value for part, value in score.items() if part.startswith("violation.")) == 1.0 - valid


@pytest.mark.parametrize("name", ZOO)
def test_fast_engine_is_believed_where_the_engines_cannot_differ(name: str) -> None:
    reference, fast = compiled(name, LOCAL[name])
    assert isinstance(reference, Reference)
    assert isinstance(fast, Fast)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^a$"},
        {"patternProperties": {"a": True}},
        {"properties": {"a": {"multipleOf": 0.1}}},
        {"maximum": float(2**53)},
        {"$defs": {"a": {"enum": [2**60]}}, "properties": {"b": {"$ref": "#/$defs/a"}}},
    ],
)
def test_fast_engine_is_not_believed_where_the_engines_differ(schema: dict[str, Any]) -> None:
    reference, fast = compiled("x", LocalSchema("x", schema))
    assert isinstance(reference, Reference)
    assert fast is None


def first(metric: schema_adherence, output: str) -> tuple[float, float, str]:
    score = metric.score(Completion("", output, ""))
    assert isinstance(score, Mapping)
    kinds = [
        part.removeprefix("violation.") for part, value in score.items() if part.startswith("violation.") and value
    ]
    return score["valid"], score["satisfied"], " ".join(kinds)


@pytest.mark.parametrize(
    ("output", "valid", "satisfied", "kind"),
    [
        ('{"class": "network", "thought": "vpn"}', 1.0, 1.0, ""),
        ('{"class": "network", "thought": "vpn", "n": 2}', 1.0, 1.0, ""),
        ('```json\n{"class": "network", "thought": "vpn"}\n```', 1.0, 1.0, ""),
        ('Sure: {"class": "network", "thought": "vpn"}', 1.0, 1.0, ""),
        ('{"class": "Network", "thought": "vpn"}', 0.0, 5 / 6, "enum"),
        ('{"class": "network"}', 0.0, 4 / 6, "required"),
        ('{"class": "network", "thought": "v", "n": true}', 0.0, 5 / 7, "type"),
        ('{"class": "network", "thought": "vpn", "x": 1}', 0.0, 5 / 6, "additionalProperties"),
        ('{"class": "x", "x": 1}', 0.0, 2 / 6, "required"),
        ("{}", 0.0, 2 / 6, "required"),
        ("[]", 0.0, 1 / 6, "type"),
        ("null", 0.0, 1 / 6, "type"),
        ("network", 0.0, 0.0, "not_json"),
        ("", 0.0, 0.0, "not_json"),
        ('{"class": "network", "thought": NaN}', 0.0, 0.0, "not_json"),
        ('{"class": "network", "thought": "vpn"', 0.0, 0.0, "not_json"),
        ('{"class": "network", "thought": "\\ud800vp"}', 1.0, 1.0, ""),
        ('{"class": "network", "thought": "vpn", "n": 1e999}', 0.0, 0.0, "not_json"),
        ('{"class": "network", "thought": "vpn", "n": 1.0}', 1.0, 1.0, ""),
    ],
)
def test_ticket(output: str, valid: float, satisfied: float, kind: str) -> None:
    found = first(schema_adherence(TICKET), output)
    assert (found[0], found[2]) == (valid, kind)
    assert found[1] == pytest.approx(satisfied)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('{"class": "network", "thought": "vpn"}', (1.0, 1.0, "")),
        ('<|begin_of_solution|>{"class": "network", "thought": "vpn"}<|end_of_solution|>', (1.0, 1.0, "")),
        ('<think>hm</think>{"class": "network", "thought": "vpn"}', (1.0, 1.0, "")),
        ('```json\n{"class": "network", "thought": "vpn"}\n```', (0.0, 6 / 7, "wrapped")),
        ('Sure: {"class": "network"}', (0.0, 4 / 7, "wrapped")),
        ('{"class": "network"}', (0.0, 5 / 7, "required")),
    ],
)
def test_strict_refuses_fences_and_prose(output: str, expected: tuple[float, float, str]) -> None:
    found = first(schema_adherence(TICKET, strict=True), output)
    assert (found[0], found[2]) == (expected[0], expected[2])
    assert found[1] == pytest.approx(expected[1])


def test_kinds_are_those_the_schema_can_produce() -> None:
    assert schema_adherence(TICKET).parts == (
        *("valid", "satisfied", "violation.not_json", "violation.type", "violation.enum", "violation.required"),
        *("violation.additionalProperties", "violation.minLength", "violation.minimum"),
    )
    assert "violation.wrapped" in schema_adherence(TICKET, strict=True).parts
    assert LocalSchema("x", NODE).kinds == ["type", "required", "anyOf"]


def test_first_violation_is_the_least_deep_then_by_path() -> None:
    schema = {
        "properties": {
            "a": {"properties": {"x": {"type": "string"}}},
            "b": {"minimum": 3},
            "c": {"type": "string"},
        }
    }
    metric = schema_adherence(schema)
    assert first(metric, '{"c": 1, "b": 1, "a": {"x": 1}}')[2] == "minimum"
    assert first(metric, '{"c": 1, "a": {"x": 1}}')[2] == "type"


class Step(BaseModel):
    text: str
    steps: list[Step] = Field(default_factory=list)


class Ticket(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["hardware", "network"]
    step: Step | None = None
    score: float = Field(ge=0, le=1)


def test_pydantic_model() -> None:
    metric = schema_adherence(Ticket)
    assert first(metric, '{"kind": "network", "score": 1, "step": {"text": "a", "steps": [{"text": "b"}]}}')[0] == 1.0
    assert first(metric, '{"kind": "network", "score": 2}')[2] == "maximum"
    assert first(metric, '{"kind": "network", "score": 1, "step": {"text": 1}}')[2] == "anyOf"
    recursive = schema_adherence(Step)
    assert first(recursive, '{"text": "a", "steps": [{"text": 1}]}') == (0.0, 3 / 4, "type")


def test_root_reference_gives_the_requirements_of_its_target() -> None:
    local = LocalSchema("x", {"$ref": "#/$defs/t", "$defs": {"t": TICKET}})
    assert (local.required, local.properties, local.others) == (
        ("class", "thought"),
        ("class", "thought", "n"),
        ("type", "additionalProperties"),
    )
    assert LocalSchema("x", ZOO["ref with siblings"]).others == ("allOf",)


def test_changing_the_schema_afterwards_changes_nothing() -> None:
    schema = json.loads(json.dumps(TICKET))
    metric = schema_adherence(schema)
    schema["required"].append("n")
    assert first(metric, '{"class": "network", "thought": "vpn"}')[0] == 1.0


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "strin"}, "broken schema"),
        ({"properties": {"a": {"required": "b"}}}, "broken schema"),
        ({"pattern": "("}, "broken schema"),
        ({"$defs": {"a": 3}}, "broken schema"),
        ({"x-defs": {"a": {"type": "strin"}}, "$ref": "#/x-defs/a"}, "broken schema"),
        ({"$ref": "https://example.com/s.json"}, "outside the schema"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "outside the schema"),
        ({"properties": {"const": {"$ref": "other.json#/a"}}}, "outside the schema"),
        ({"x-defs": {"a": {"items": {"$ref": "http://169.254.169.254/"}}}, "$ref": "#/x-defs/a"}, "outside the schema"),
        ({"$dynamicRef": "https://example.com/s.json#a"}, "outside the schema"),
        ({"$schema": "https://example.com/meta.json"}, r"\$schema"),
        ({"$schema": 3}, r"\$schema"),
        ({"properties": {"a": {"$id": "https://example.com/a"}}}, r"\$id"),
        ({"$ref": "#/$defs/missing"}, "no subschema"),
        ({"$ref": "#missing"}, "no subschema"),
        ({"$ref": "#/required/0", "required": ["a"]}, "no subschema"),
        ({"$ref": "#"}, "circle"),
        ({"allOf": [{"$ref": "#"}]}, "circle"),
        ({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "circle"),
        ({"const": float("nan")}, "not JSON"),
        ({"enum": {1, 2}}, "not JSON"),
        (True, "not a schema"),
        ("{}", "not a schema"),
        (Ticket.model_json_schema, "not a schema"),
    ],
)
def test_bad_schema_is_refused_at_declaration(schema: Any, reason: str) -> None:
    with pytest.raises(InvalidMetric, match=reason):
        schema_adherence(schema)


def test_schema_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"items": deep}
    with pytest.raises(InvalidMetric):
        schema_adherence(deep)


def test_data_that_looks_like_a_reference_is_data() -> None:
    metric = schema_adherence({"const": {"$ref": "https://example.com"}, "default": {"$ref": "x"}})
    assert first(metric, '{"$ref": "https://example.com"}')[0] == 1.0
    assert first(schema_adherence({"properties": {"$ref": {"type": "string"}}}), '{"$ref": 1}')[2] == "type"


def test_own_identifier_of_the_root_is_allowed() -> None:
    schema = {
        "$id": "https://example.com/t.json",
        "properties": {"a": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"type": "null"}},
    }
    assert first(schema_adherence(schema), '{"a": 1}') == (0.0, 0.0, "type")


@pytest.mark.parametrize("depth", [10, 60, 99])
def test_deep_answers_get_a_verdict_or_none(depth: int) -> None:
    document = '{"b": "x", "a": ' * (depth - 1) + '{"b": 1}' + "}" * (depth - 1)
    score = schema_adherence(NODE).score(Completion("", document, ""))
    assert isinstance(score, Unscored) or (score["valid"] == 0.0 and score["violation.anyOf"] == 1.0)  # type: ignore[index]


ALONE = """
import sys
sys.modules.update(dict.fromkeys({hidden!r}))
from evalayer import Completion
from evalayer_metrics import schema_adherence
metric = schema_adherence({{"required": ["a"], "properties": {{"a": {{"type": "string", "pattern": "^x"}}}}}})
for text in ('{{"a": "x"}}', '{{"a": 1}}', "{{}}", '{{"a": "y"}}', "[1]"):
    print(metric.score(Completion("", text, "")))
print(metric.score(Completion("", '{{"a": "\\\\ud800"}}', "")))
"""


def alone(*hidden: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ALONE.format(hidden=hidden)], capture_output=True, text=True, check=False
    )


def test_each_engine_works_alone() -> None:
    both, reference, fast = alone(), alone("jsonschema_rs"), alone("jsonschema")
    assert both.returncode == reference.returncode == fast.returncode == 0
    assert both.stdout == reference.stdout
    assert both.stdout.splitlines()[:-1] == fast.stdout.splitlines()[:-1]
    assert "jsonschema-rs cannot read" in fast.stdout.splitlines()[-1]


def test_without_an_engine_the_error_says_what_to_install() -> None:
    error = alone("jsonschema", "jsonschema_rs").stderr
    assert error.strip().splitlines()[-1].endswith('pip install "evalayer[metrics]"')
    assert "InvalidMetric" in error
