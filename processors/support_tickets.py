"""Sort IT support tickets into hardware, software, network or access, with a reason."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from evalayer import Completion, Sample, Score, Task, Unscored
from evalayer_metrics import classification, description_quality, reasoning_coherence, schema_adherence

CLASSES: Final = ("hardware", "software", "network", "access")

RESPONSE_SCHEMA: Final = {
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
"description": "the problem in one or two sentences, and the next step"}}"""

NEXT_STEPS: Final = frozenset(
    "ask assign call change check clean clear configure connect contact create disable enable escalate give grant "
    "install inspect issue move open order reassign reboot reconnect reinstall remove renew repair replace reroute reset "
    "restart restore restrict revoke roll run send swap test trace unlock update upgrade verify".split()
)

task = Task(
    "support_tickets",
    metrics=[
        classification(field="class", labels=CLASSES),
        schema_adherence(RESPONSE_SCHEMA),
        reasoning_coherence(thought="thought", conclusion="class", labels=CLASSES),
        description_quality(description="description", conclusion="class"),
    ],
)


@task.preprocess
def ask_for_json(sample: Sample) -> Sample:
    """Put the ticket into the query template, under the expert's system prompt; the gold answer stays."""
    return replace(sample, system=SYSTEM_PROMPT, prompt=QUERY_TEMPLATE.format(ticket=sample.prompt.strip()))


@task.metric
def names_a_next_step(completion: Completion) -> Score:
    """Whether the description holds a verb of support work; English only, and blind to whether the step is right."""
    answer = completion.json
    description = answer.get("description") if isinstance(answer, dict) else None
    if not isinstance(description, str):
        return Unscored("the answer has no description")
    return not NEXT_STEPS.isdisjoint(re.findall(r"[a-z]+", description.lower()))
