"""Rules about `evaluation` and `inference`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from pydantic import BaseModel, ValidationError

from evalayer_lab.inputs.yaml import Keys
from evalayer_lab.recipe._edit import CommentOut, Insert, Rename, SetValue
from evalayer_lab.recipe._facts import METRICS, STRATEGIES, TASKS, TaskFacts, model_for
from evalayer_lab.recipe._finding import Finding, error, warning
from evalayer_lab.recipe._models import AnyRecipe
from evalayer_lab.recipe._read import reason_of, section_of, shown, unknown_fields
from evalayer_lab.recipe._subject import ABSENT, Subject

_BENCHMARKS: Final = frozenset({"text_benchmark", "multimodal_benchmark"})
_MOST_LOGPROBS: Final = 20
_EFFORTS: Final = frozenset({"low", "high"})


def check_evaluation(subject: Subject) -> Iterator[Finding]:
    """Check the section `evaluation`."""
    if not isinstance(subject.get("evaluation"), dict):
        return
    name, facts = subject.text("evaluation", "task"), subject.task
    if name and facts is None:
        near = get_close_matches(name[:60], TASKS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; evalayer knows {', '.join(TASKS)}"
        yield warning("unknown-task", ("evaluation", "task"), f"is {shown(name)}, which is no known task{hint}")
    if facts is None:
        return
    for field, wanted, known in (("strategy", facts.strategy, STRATEGIES), ("metric", facts.metric, METRICS)):
        yield from _combination(subject, name, facts, field, wanted, known)
    if subject.text("evaluation", "subtask") and not facts.has_subtasks:
        yield warning("subtask", ("evaluation", "subtask"), f"is set, and {name} has no subtasks; leave the field out")


def _combination(
    subject: Subject, task: str, facts: TaskFacts, field: str, wanted: str, known: frozenset[str]
) -> Iterator[Finding]:
    place, given = ("evaluation", field), subject.get("evaluation", field)
    open_source = subject.kind == "open_source"
    if given is ABSENT:
        after = ("strategy", "task") if field == "metric" else ("task",)
        yield error("task-combination", place, f"is missing; {task} has {wanted}", Insert(place, wanted, after))
    elif not isinstance(given, str) or given == wanted:
        return
    elif open_source or (facts.kind in _BENCHMARKS and given in known):
        yield warning("task-combination", place, f"is {shown(given)}; the recipes for {task} have {wanted}")
    else:
        reason = f"is {shown(given)}; {task} has {wanted}"
        yield error("task-combination", place, reason, SetValue(place, wanted))


def check_inference(subject: Subject) -> Iterator[Finding]:
    """Check the section `inference`."""
    yield from _logprobs(subject)
    yield from _reasoning(subject)
    yield from _length(subject)


def _logprobs(subject: Subject) -> Iterator[Finding]:
    place, count = ("inference", "top_logprobs"), subject.get("inference", "top_logprobs")
    if isinstance(count, int) and not isinstance(count, bool) and not 0 <= count <= _MOST_LOGPROBS:
        nearest = 0 if count < 0 else _MOST_LOGPROBS
        reason = f"is {shown(count)}; it takes 0 to {_MOST_LOGPROBS}"
        yield error("top-logprobs", place, reason, SetValue(place, nearest))


def _reasoning(subject: Subject) -> Iterator[Finding]:
    place, effort = ("inference", "reasoning_effort"), subject.get("inference", "reasoning_effort")
    if effort is ABSENT or effort is None:
        return
    if subject.model and not subject.model.reasons:
        other = subject.base  # where it reasons, the model_type may be what is wrong
        edit = None if other and other.reasons else SetValue(place, None)
        yield error(
            "reasoning-effort",
            place,
            f"is {shown(effort)}, and {subject.model.type} does not reason: the job stops at once; write null",
            edit,
        )
    elif effort == "medium":
        yield warning("reasoning-effort", place, "is 'medium', on which the sources differ; low and high are certain")
    elif not isinstance(effort, str) or effort not in _EFFORTS:
        yield error("reasoning-effort", place, f"is {shown(effort)}; it takes null, low or high")


def _length(subject: Subject) -> Iterator[Finding]:
    place, tokens = ("inference", "max_new_tokens"), subject.get("inference", "max_new_tokens")
    if tokens is ABSENT:
        return
    if subject.kind in {"llm_judge", "mm_llm_judge"}:
        reason = f"is not available for {subject.kind}; leave it out"
        yield warning("max-new-tokens", place, reason, CommentOut(place))
    elif subject.model and isinstance(tokens, int) and tokens > subject.model.most_new_tokens:
        yield warning(
            "max-new-tokens",
            place,
            f"is {shown(tokens)}; recipes for {subject.model.type} go up to {subject.model.most_new_tokens}",
        )


_PLACEHOLDER: Final = re.compile(
    r"<[A-Za-z][^<>\n]{0,80}>|\$\{[^{}\n]{0,80}\}|\{\{[^{}\n]{0,80}\}\}|\{[a-z_]{1,40}\}"
    r"|\byour[-_](?:bucket|account|function|model|role)\b|\b(?:CHANGE_?ME|REPLACE_?ME|TODO)\b"
    r"|\bYOUR[-_][A-Z]+|\bREGION:ACCOUNT\b",
)
_EXAMPLE_ACCOUNT: Final = re.compile(r":(?:111122223333|123456789012|000000000000):")
_OTHER_WORDS: Final[Mapping[str, str]] = {"replica": "replicas"}


def has_placeholder(text: str) -> bool:
    """Whether a part of a text still has to be filled in."""
    return _PLACEHOLDER.search(text) is not None


def check_spelling(subject: Subject) -> Iterator[Finding]:
    """Check for known names in another spelling, such as `lambda-arn`."""
    yield from _spelling(subject.document.content, model_for(subject.kind), ())


def _spelling(content: object, model: type[BaseModel], place: Keys) -> Iterator[Finding]:
    if not isinstance(content, Mapping):
        return
    known = {_letters(name): name for name in model.model_fields}
    for name, value in content.items():
        meant = _OTHER_WORDS.get(name) or known.get(_letters(name))
        if name not in model.model_fields and meant in model.model_fields:
            twice = meant in content
            reason = f"is not read; the field is {meant}" + (", which is there too" if twice else "")
            yield error("spelling", (*place, name), reason, None if twice else Rename((*place, name), meant))
        section = section_of(model.model_fields[name].annotation) if name in model.model_fields else None
        if section:
            yield from _spelling(value, section, (*place, name))


def _letters(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def check_placeholders(subject: Subject) -> Iterator[Finding]:
    """Check for what was never filled in."""
    yield from _placeholders(subject.document.content, ())


def _placeholders(value: object, place: Keys) -> Iterator[Finding]:
    if isinstance(value, str):
        if found := _PLACEHOLDER.search(value):
            yield warning("placeholder", place, f"still has {shown(found[0])} in it; fill it in")
        elif found := _EXAMPLE_ACCOUNT.search(value):
            yield warning("placeholder", place, f"has {found[0][1:-1]}, the account of examples; write your own")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _placeholders(item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _placeholders(item, (*place, index))


def check_unknown(subject: Subject) -> Iterator[Finding]:
    """Check for fields that no recipe of this kind has."""
    for place, reason in unknown_fields(subject.document.content, model_for(subject.kind)):
        yield warning("unknown-field", place, reason)


def validate(subject: Subject) -> tuple[AnyRecipe | None, list[Finding]]:
    """Make a model of the recipe; where that fails, a finding for each field that is missing or of a wrong type."""
    try:
        return model_for(subject.kind).model_validate(subject.document.content), []
    except ValidationError as failure:
        return None, [
            error("missing-field" if details["type"] == "missing" else "value", details["loc"], reason_of(details))
            for details in failure.errors(include_url=False)
        ]
