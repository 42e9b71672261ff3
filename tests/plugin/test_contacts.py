"""The metric by itself, and behind a handler as Lambda calls it."""

from evalayer import Completion, Task, build_lambda_handler
from evalayer_contacts import no_invented_contacts


def test_case_and_a_final_dot_make_no_difference() -> None:
    assert no_invented_contacts(Completion("Ana@Example.com asks", "Dear ana@example.com.", ""))


def test_an_answer_without_addresses_invents_none() -> None:
    for answer in ("Nobody.", "", "Write to help@", "a" * 100_000):
        assert no_invented_contacts(Completion("Who can help?", answer, ""))


def test_it_is_installed_under_its_name() -> None:
    handler = build_lambda_handler(Task("replies", metrics=["no_invented_contacts"]))
    data = {"prompt": "Who can help?", "inference_output": "help@example.com", "gold": ""}
    body = handler({"process_type": "postprocess", "data": data})["body"]
    assert body[0] == {"metric": "no_invented_contacts", "value": 0.0}
