"""Whether the answer keeps to a JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

from evalayer import Completion, InvalidMetric, JSONValue, Metric, Score, Unscored, label_part
from evalayer_metrics._schema import LocalSchema, kind_of, requirement_of
from evalayer_metrics._schema_engines import compiled

# A number that a double cannot hold becomes an infinity, which the engines read differently.
_OVERFLOW: Final = re.compile(r"\d(?:[eE]\+?\d{3}|\d{308})")


class Model(Protocol):
    """A class that knows its JSON Schema, as pydantic's models do."""

    def model_json_schema(self) -> dict[str, Any]:
        """Return the schema."""
        ...


class schema_adherence(Metric):  # noqa: N801 (called like the functions beside it)
    r"""Whether the answer is JSON that keeps to a schema, how far, and what it breaks first.

    Parts:

    - `valid`: 1.0 for an answer that is valid, otherwise 0.0.
    - `satisfied`: the share of the schema's top-level requirements that hold. Requirements are: each required name
      is there; each described property that is there or required is there and valid; each other keyword of the top
      level holds (`if`, `then` and `else` as one); and, with `strict`, the JSON stands alone. 0.0 for no JSON.
    - `violation.<kind>`: 1.0 for the kind of the first violation: `not_json`; `wrapped`, with `strict`; or the
      keyword that is violated, of those the schema uses. First is what lies least deep in the answer, then by its
      path, then by the order of the parts. Alternatives (`anyOf`, `oneOf`, `not`, ...) are violated as a whole.

    An answer wrapped in a code fence or prose is unwrapped first; `strict` counts the wrapping as a violation.
    Solution markers and reasoning before the answer are allowed either way. An answer nested deeper than the
    engine can follow is unscored.

    The dialect is what `$schema` says, draft 4 to 2020-12, by default the last. `format` and `content...` are
    annotations and never violated. References stay inside the schema (`#...`); nothing is ever fetched. A pydantic
    model counts as its `model_json_schema()`: its Python validators do not run. The schema is compiled once, here.
    jsonschema decides; jsonschema-rs, where it is installed, answers faster for valid answers, and decides where it
    alone is installed (it then also asserts `contentMediaType` before draft 2019-09, and has its own dialect of
    regular expressions). A `pattern` that backtracks without end ((a+)+$) can hang on a hostile answer: avoid nested
    repeats. Source: the JSON Schema specification, https://json-schema.org/specification.

    Args:
        schema: a JSON Schema, or a pydantic model.
        name: what it reports under.
        strict: refuse an answer that needed a code fence or prose taken off.

    Raises:
        InvalidMetric: the schema is broken or refers outside itself, or no engine is installed.

    >>> metric = schema_adherence({"required": ["class"], "properties": {"class": {"enum": ["network"]}}})
    >>> metric.score(Completion("", '{"class": "Network"}', ""))
    {'valid': 0.0, 'satisfied': 0.5, 'violation.not_json': 0.0, 'violation.enum': 1.0, 'violation.required': 0.0}
    """

    def __init__(
        self, schema: Mapping[str, Any] | Model, *, name: str = "schema_adherence", strict: bool = False
    ) -> None:
        declared = schema if isinstance(schema, Mapping) else _schema_of(name, schema)
        self._schema = LocalSchema(name, declared)
        self._strict = strict
        kinds = ("not_json", *(("wrapped",) if strict else ()), *self._schema.kinds)
        self._parts_of_kinds = {kind: label_part("violation", kind) for kind in kinds}
        super().__init__(name, parts=["valid", "satisfied", *self._parts_of_kinds.values()])
        self._engine, self._fast = compiled(name, self._schema)
        self._valid = {part: float(part in {"valid", "satisfied"}) for part in self.parts}
        self._ranks = {kind: rank for rank, kind in enumerate(kinds)}

    def score(self, completion: Completion) -> Score:
        """Score one completion."""
        if not completion.is_json:
            return self._violated("not_json", 0.0)
        answer = completion.json
        is_wrapped = self._strict and not {"code_fence", "prose"}.isdisjoint(completion.wrapping)
        if not is_wrapped and self._fast is not None and not _OVERFLOW.search(completion.text):
            try:
                if self._fast.is_valid(answer):
                    return self._valid.copy()
            except ValueError:  # text that is not Unicode: jsonschema reads it
                pass
        try:
            violations = list(self._engine.violations(answer))
        except RecursionError:
            return Unscored("the answer is nested too deep for jsonschema")
        except ValueError:
            return Unscored("the answer has text that jsonschema-rs cannot read")
        if not violations and not is_wrapped:
            return self._valid.copy()
        satisfied = self._satisfied(answer, {requirement_of(path) for _, path in violations}, is_wrapped=is_wrapped)
        if is_wrapped:
            return self._violated("wrapped", satisfied)
        ranked = ((len(place), place, self._ranks[kind_of(path)], kind_of(path)) for place, path in violations)
        return self._violated(min(ranked)[-1], satisfied)

    def _violated(self, kind: str, satisfied: float) -> Mapping[str, float]:
        row = dict.fromkeys(self.parts, 0.0)
        row["satisfied"] = satisfied
        row[self._parts_of_kinds[kind]] = 1.0
        return row

    def _satisfied(self, answer: JSONValue, broken: Collection[tuple[str, str]], *, is_wrapped: bool) -> float:
        present: Collection[str] = answer if isinstance(answer, dict) else ()
        required = self._schema.required
        verdicts = [name in present for name in required]
        verdicts += [
            name in present and ("properties", name) not in broken
            for name in self._schema.properties
            if name in present or name in required
        ]
        verdicts += [(keyword, "") not in broken for keyword in self._schema.others]
        if self._strict:
            verdicts.append(not is_wrapped)
        return sum(verdicts) / len(verdicts)


def _schema_of(name: str, model: object) -> Mapping[str, Any]:
    describe = getattr(model, "model_json_schema", None)
    if not callable(describe):
        raise InvalidMetric(f"{name}: a {type(model).__name__} is not a schema: give a dict or a pydantic model")
    described = describe()
    if not isinstance(described, Mapping):
        raise InvalidMetric(f"{name}: model_json_schema() returned a {type(described).__name__}, not a dict")
    return described
