"""Sort IT support tickets into hardware, software, network or access, with a reason."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from evalayer import Completion, Sample, Score, Task, Unscored
from evalayer_metrics import classification, description_quality, reasoning_coherence, schema_adherence

CLASSES: Final = ("hardware", "software", "network", "access")

NUMBER: Final = re.compile(r"\d+")

RESPONSE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["class", "thought", "description"],
    "properties": {
        "class": {"enum": list(CLASSES)},
        "thought": {"type": "string", "minLength": 10},
        "description": {"type": "string", "minLength": 10},
    },
    "additionalProperties": False,
}

SYSTEM_PROMPT: Final = """\
You are a senior IT support engineer. You read incoming tickets and decide which team takes each one.

- Judge by what the ticket shows. Do not assume a cause, a device or a history that it does not mention.
- Being right matters more than sounding sure. When the ticket fits two classes, choose the one whose team \
must act first and say in the thought what speaks for the other.
- Answer with one JSON object and nothing before or after it."""

QUERY_TEMPLATE: Final = """\
Classify this support ticket and justify the choice.

<ticket>
{ticket}
</ticket>

The classes:
- hardware: a physical device or part of one is broken, missing or worn out
- software: a program or operating system fails, is misconfigured or needs an update
- network: a connection between devices or to a service is down, slow or unstable
- access: an account, password, permission or licence keeps a person out

Answer in JSON with exactly these keys:
{{"class": "hardware, software, network or access", \
"thought": "the evidence in the ticket and how it leads to the class", \
"description": "what is wrong and whom it stops, in one or two sentences"}}"""

task = Task(
    "support_tickets",
    metrics=[
        classification(field="class", labels=CLASSES),
        schema_adherence(RESPONSE_SCHEMA),
        reasoning_coherence(thought="thought", conclusion="class", labels=CLASSES),
        description_quality(description="description", conclusion="class"),
    ],
    reward={"class.correct": 0.7, "schema_adherence.valid": 0.3},
)


@task.preprocess
def ask_for_json(sample: Sample) -> Sample:
    """Put the ticket into the query template, under the expert's system prompt; the gold answer stays."""
    return replace(sample, system=SYSTEM_PROMPT, prompt=QUERY_TEMPLATE.format(ticket=sample.prompt.strip()))


@task.postprocess
def only_the_ticket(completion: Completion) -> Completion:
    """Take the query template off the prompt, so that its words do not count as evidence in the ticket."""
    _, opening, rest = completion.prompt.partition("<ticket>\n")
    ticket, closing, _ = rest.rpartition("\n</ticket>")
    return replace(completion, prompt=ticket) if opening and closing else completion


@task.metric
def invents_no_number(completion: Completion) -> Score:
    """Whether every number in the thought and the description stands in the ticket; one it spells out does not."""
    answer = completion.json
    if not isinstance(answer, dict):
        return Unscored("the answer is no JSON object")
    claimed = NUMBER.findall(f"{answer.get('thought')} {answer.get('description')}")
    return not claimed or set(claimed) <= set(NUMBER.findall(completion.prompt))
