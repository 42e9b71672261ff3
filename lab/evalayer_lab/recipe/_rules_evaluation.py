"""Rules about `evaluation` and `inference`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evalayer_lab.inputs.yaml import Keys
from evalayer_lab.recipe._edit import CommentOut, Insert, Rename, SetValue
from evalayer_lab.recipe._facts import METRICS, STRATEGIES, TASKS, TaskFacts, model_for
from evalayer_lab.recipe._models import AnyRecipe
from evalayer_lab.recipe._subject import ABSENT, Remark, Subject, shown

_BENCHMARKS: Final = frozenset({"text_benchmark", "multimodal_benchmark"})
_MOST_LOGPROBS: Final = 20
_EFFORTS: Final = frozenset({"low", "high"})


def check_evaluation(subject: Subject) -> Iterator[Remark]:
    """Check the section `evaluation`."""
    if not isinstance(subject.get("evaluation"), dict):
        return
    name, facts = subject.text("evaluation", "task"), subject.task
    if name and facts is None:
        near = get_close_matches(name[:60], TASKS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; evalayer knows {', '.join(TASKS)}"
        yield subject.warning(
            "unknown-task", ("evaluation", "task"), f"is {shown(name)}, which is not a known task{hint}"
        )
    if facts is None:
        return
    for field, wanted, known in (("strategy", facts.strategy, STRATEGIES), ("metric", facts.metric, METRICS)):
        yield from _combination(subject, name, facts, field, wanted, known)
    if subject.text("evaluation", "subtask") and not facts.has_subtasks:
        yield subject.warning(
            "subtask", ("evaluation", "subtask"), f"is set, and {name} has no subtasks; leave the field out"
        )


def _combination(
    subject: Subject, task: str, facts: TaskFacts, field: str, wanted: str, known: frozenset[str]
) -> Iterator[Remark]:
    place, given = ("evaluation", field), subject.get("evaluation", field)
    open_source = subject.kind == "open_source"
    if given is ABSENT:
        after = ("strategy", "task") if field == "metric" else ("task",)
        yield subject.error("task-combination", place, f"is missing; {task} has {wanted}", Insert(place, wanted, after))
    elif not isinstance(given, str) or given == wanted:
        return
    elif open_source or (facts.kind in _BENCHMARKS and given in known):
        yield subject.warning("task-combination", place, f"is {shown(given)}; the recipes for {task} have {wanted}")
    else:
        reason = f"is {shown(given)}; {task} has {wanted}"
        yield subject.error("task-combination", place, reason, SetValue(place, wanted))


def check_inference(subject: Subject) -> Iterator[Remark]:
    """Check the section `inference`."""
    yield from _logprobs(subject)
    yield from _reasoning(subject)
    yield from _length(subject)


def _logprobs(subject: Subject) -> Iterator[Remark]:
    place, count = ("inference", "top_logprobs"), subject.get("inference", "top_logprobs")
    if isinstance(count, int) and not isinstance(count, bool) and not 0 <= count <= _MOST_LOGPROBS:
        nearest = 0 if count < 0 else _MOST_LOGPROBS
        reason = f"is {shown(count)}; it must be 0 to {_MOST_LOGPROBS}"
        yield subject.error("top-logprobs", place, reason, SetValue(place, nearest))


def _reasoning(subject: Subject) -> Iterator[Remark]:
    place, effort = ("inference", "reasoning_effort"), subject.get("inference", "reasoning_effort")
    if effort is ABSENT or effort is None:
        return
    if subject.model and not subject.model.reasons:
        other = subject.base  # where it reasons, the model_type may be what is wrong
        edit = None if other and other.reasons else SetValue(place, None)
        yield subject.error(
            "reasoning-effort",
            place,
            f"is {shown(effort)}, and {subject.model.type} does not reason: the job stops at once; write null",
            edit,
        )
    elif effort == "medium":
        yield subject.warning(
            "reasoning-effort", place, "is 'medium', which AWS's own pages disagree on; low and high are safe"
        )
    elif not isinstance(effort, str) or effort not in _EFFORTS:
        yield subject.error("reasoning-effort", place, f"is {shown(effort)}; it must be null, low or high")


def _length(subject: Subject) -> Iterator[Remark]:
    place, tokens = ("inference", "max_new_tokens"), subject.get("inference", "max_new_tokens")
    if tokens is ABSENT:
        return
    if subject.kind in {"llm_judge", "mm_llm_judge"}:
        reason = f"is not available for {subject.kind}; leave it out"
        yield subject.warning("max-new-tokens", place, reason, CommentOut(place))
    elif subject.model and isinstance(tokens, int) and tokens > subject.model.most_new_tokens:
        yield subject.warning(
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


def check_spelling(subject: Subject) -> Iterator[Remark]:
    """Check for known names in another spelling, such as `lambda-arn`."""
    yield from _spelling(subject, subject.document.content, model_for(subject.kind), ())


def _spelling(subject: Subject, content: object, model: type[BaseModel], place: Keys) -> Iterator[Remark]:
    if not isinstance(content, Mapping):
        return
    known = {_letters(name): name for name in model.model_fields}
    for name, value in content.items():
        meant = _OTHER_WORDS.get(name) or known.get(_letters(name))
        if name not in model.model_fields and meant in model.model_fields:
            twice = meant in content
            reason = f"is not read; the field is {meant}" + (", which is set as well" if twice else "")
            yield subject.error("spelling", (*place, name), reason, None if twice else Rename((*place, name), meant))
        section = section_of(model.model_fields[name].annotation) if name in model.model_fields else None
        if section:
            yield from _spelling(subject, value, section, (*place, name))


def _letters(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def check_placeholders(subject: Subject) -> Iterator[Remark]:
    """Check for what was never filled in."""
    yield from _placeholders(subject, subject.document.content, ())


def _placeholders(subject: Subject, value: object, place: Keys) -> Iterator[Remark]:
    if isinstance(value, str):
        if found := _PLACEHOLDER.search(value):
            yield subject.warning("placeholder", place, f"still has {shown(found[0])} in it; fill it in")
        elif found := _EXAMPLE_ACCOUNT.search(value):
            yield subject.warning(
                "placeholder", place, f"has {found[0][1:-1]}, the account number of AWS's examples; write your own"
            )
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _placeholders(subject, item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _placeholders(subject, item, (*place, index))


def check_unknown(subject: Subject) -> Iterator[Remark]:
    """Check for fields that no recipe of this kind has."""
    for place, reason in unknown_fields(subject.document.content, model_for(subject.kind)):
        yield subject.warning("unknown-field", place, reason)


def validate(subject: Subject) -> tuple[AnyRecipe | None, list[Remark]]:
    """Make a model of the recipe; where that fails, a finding for each field that is missing or of a wrong type."""
    try:
        return model_for(subject.kind).model_validate(subject.document.content), []
    except ValidationError as failure:
        return None, [
            subject.error(
                "missing-field" if details["type"] == "missing" else "value", details["loc"], reason_of(details)
            )
            for details in failure.errors(include_url=False)
        ]


def reason_of(details: ErrorDetails) -> str:
    """Say what a field is and what it should be."""
    kind, value, message = details["type"], details["input"], details["msg"]
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return f"is {shown(value)}, should be a mapping"
    if kind == "folder_name":
        return message
    return f"is {shown(value)}, {message.removeprefix('Input ')}"


def unknown_fields(content: object, model: type[BaseModel], place: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Name every field that a model does not know, with the nearest one that it does."""
    if not isinstance(content, Mapping):
        return
    known = model.model_fields
    for name, value in content.items():
        if name not in known:
            near = get_close_matches(name, known, n=1) if len(name) < 40 else []
            yield (*place, name), "is unknown and has no effect here" + (f"; did you mean {near[0]}?" if near else "")
        elif section := section_of(known[name].annotation):
            yield from unknown_fields(value, section, (*place, name))


def section_of(annotation: object) -> type[BaseModel] | None:
    """Return the model of a field that is a section."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
