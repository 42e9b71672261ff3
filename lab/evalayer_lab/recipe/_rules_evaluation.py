"""Rules about `evaluation` and `inference`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evalayer_lab.inputs import near_match
from evalayer_lab.recipe._edit import CommentOut, Insert, SetValue
from evalayer_lab.recipe._facts import METRICS, STRATEGIES, TASKS, TaskFacts
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
        near = near_match(name, TASKS)
        hint = f"did you mean {near}?" if near else f"evalayer knows {', '.join(TASKS)}"
        reason = f"is {shown(name)}, which is not a known task; {hint}"
        yield subject.warning("unknown-task", ("evaluation", "task"), reason)
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
