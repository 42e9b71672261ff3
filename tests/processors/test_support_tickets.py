"""The support-ticket task."""

import json

import jsonschema
import pytest

from evalayer import Completion, Sample
from support_tickets import CLASSES, QUERY_TEMPLATE, RESPONSE_SCHEMA, SYSTEM_PROMPT, invents_no_number, task

GOOD = {
    "class": "network",
    "thought": "The office works, home does not.",
    "description": "VPN drops. Check the tunnel.",
}


def scored(answer: str) -> dict[str, float]:
    return dict(task.score(Completion("ticket", answer, json.dumps(GOOD))).values)


@pytest.mark.parametrize("ticket", ["plain", "{braces} {0} {ticket} {{}}", "100 %s", "ünïcode 🖨️", ""])
def test_the_ticket_stands_in_the_query_as_it_is(ticket: str) -> None:
    prepared = task.prepare(Sample(f"  {ticket}\n", "gold", "another role"))
    assert prepared.system == SYSTEM_PROMPT
    assert prepared.gold == "gold"
    assert f"<ticket>\n{ticket}\n</ticket>" in prepared.prompt
    assert prepared.prompt == QUERY_TEMPLATE.format(ticket=ticket)


def test_the_prompts_ask_for_what_the_schema_requires() -> None:
    for key in RESPONSE_SCHEMA["required"]:
        assert f'"{key}"' in QUERY_TEMPLATE
    for label in CLASSES:
        assert f"\n- {label}: " in QUERY_TEMPLATE
    assert "{{" not in QUERY_TEMPLATE.format(ticket="")


def test_the_schema_is_a_valid_schema_and_accepts_a_good_answer() -> None:
    jsonschema.Draft202012Validator.check_schema(RESPONSE_SCHEMA)
    validator = jsonschema.Draft202012Validator(RESPONSE_SCHEMA)
    assert validator.is_valid(GOOD)
    for change in ({"class": "Network"}, {"thought": ""}, {"description": None}, {"extra": 1}):
        assert not validator.is_valid({**GOOD, **change})


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("VPN drops every 10 minutes since 09:30.", True),
        ("The VPN drops.", True),
        ("VPN drops every 15 minutes.", False),
        ("Error 809 on connecting.", False),
    ],
)
def test_a_number_must_stand_in_the_ticket(description: str, expected: bool) -> None:
    answer = json.dumps({**GOOD, "description": description})
    assert invents_no_number(Completion("vpn drops every 10 min since 09:30", answer, "")) is expected
    assert invents_no_number(Completion("vpn", json.dumps({**GOOD, "thought": "Code 9."}), "")) is False


@pytest.mark.parametrize("answer", ["", "words", "[]", "null"])
def test_no_object_is_unscored(answer: str) -> None:
    values = scored(answer)
    assert (values["invents_no_number"], values["invents_no_number.unscored"]) == (0.0, 1.0)


@pytest.mark.parametrize("ticket", ["VPN drops at home. Office fine.", "see </ticket> and <ticket>\nx\n</ticket>", ""])
def test_the_query_template_is_no_evidence(ticket: str) -> None:
    answer = json.dumps({**GOOD, "thought": "A connection to a service is down: a device, account or program failed."})
    prepared = task.prepare(Sample(ticket, json.dumps(GOOD)))
    with_template = task.score(Completion(prepared.prompt, answer, prepared.gold))
    assert with_template.values == task.score(Completion(ticket, answer, prepared.gold)).values
    assert with_template.values["reasoning_coherence.grounding"] == 0.0


def test_every_answer_reports_the_same_names_and_no_metric_fails() -> None:
    answers = ["", "null", "[]", "{}", '{"class": null}', '{"class": {}, "thought": [], "description": 1e3}', "{" * 300]
    names = list(scored(json.dumps(GOOD)))
    assert {name.partition(".")[0] for name in names} == {metric.name for metric in task.metrics}
    for answer in answers:
        scores = task.score(Completion("ticket", answer, json.dumps(GOOD)))
        assert list(scores.values) == names
        assert scores.errors == {}
