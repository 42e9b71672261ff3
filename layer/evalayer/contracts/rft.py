"""The contract of `lambda_type: rft` and of reward functions: a list of conversations in, a list of rewards out.

Source: AWS documentation, Nova user guide, "Implementing reward functions" and "RFT evaluation". The pages differ in
the model's role (`nova_assistant` or `assistant`), in a message's content (text, or a list of text parts) and in where
the reference answer stands (in the row, or in its `metadata`): all of these are read.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from evalayer._errors import EvalayerError, InvalidEvent
from evalayer._payload import check_size
from evalayer._records import Completion
from evalayer._reward import FAILED
from evalayer.contracts.custom_metrics import kind_of

RowId: TypeAlias = str | int
Response: TypeAlias = list[dict[str, Any]] | dict[str, Any]

NO_ID: Final = ""
_SHAPE: Final = "an rft event is a list of objects of id, messages and reference_answer"
_MODEL: Final = ("nova_assistant", "assistant")
_FEWER_ROWS: Final = "send fewer rows in one event"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Row:
    """One row of an event.

    Attributes:
        id: what the answer repeats; `NO_ID` for a row whose own id cannot be repeated.
        completion: what there is to score; None where the row breaks the contract.
        failure: how it breaks the contract, or None.
    """

    id: RowId
    completion: Completion | None
    failure: EvalayerError | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reward:
    """The answer to one row.

    Attributes:
        id: as the row has it.
        value: the reward; 0.0 where the row failed.
        scores: the numbers to report, by name.
        failed: whether the row could not be scored at all.
    """

    id: RowId
    value: float
    scores: Mapping[str, float]
    failed: bool


def read_rows(event: object) -> list[Row]:
    """Read the rows of an event, in their order. A row that breaks the contract says so and spoils no other.

    Raises:
        InvalidEvent: there is no list of rows, or no row of it has an id to answer under.
        PayloadTooLarge: it has more than Lambda carries.
    """
    body = event["body"] if isinstance(event, Mapping) else event
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            raise InvalidEvent(f"body is text that is not JSON; {_SHAPE}") from None
    if not isinstance(body, list):
        raise InvalidEvent(f"body is {kind_of(body)}; {_SHAPE}")
    rows = [_read_row(row, f"[{index}]") for index, row in enumerate(body)]
    if rows and all(row.id == NO_ID for row in rows):
        raise InvalidEvent(f"{rows[0].failure}; {_SHAPE}")
    try:
        check_size(event, None, "event", _FEWER_ROWS)
    except (TypeError, ValueError, RecursionError):
        raise InvalidEvent("the event holds what JSON cannot") from None
    return rows


def write_rewards(event: object, rewards: list[Reward], rewarded: Container[str]) -> Response:
    """Write the response to an event: a list, or where the event has a `body`, an object whose body is alike.

    Args:
        event: what is answered.
        rewards: one for each of its rows, in their order.
        rewarded: the names of the numbers that make up the reward.

    Raises:
        PayloadTooLarge: it has more than Lambda carries.
    """
    answers = [
        {
            "id": reward.id,
            "aggregate_reward_score": reward.value,
            "metrics_list": [
                *(
                    {"name": name, "value": value, "type": "Reward" if name in rewarded else "Metric"}
                    for name, value in reward.scores.items()
                ),
                {"name": FAILED, "value": float(reward.failed), "type": "Metric"},
            ],
        }
        for reward in rewards
    ]
    response: Response = answers
    if isinstance(event, Mapping):
        body = json.dumps(answers, ensure_ascii=False) if isinstance(event["body"], str) else answers
        response = {"statusCode": 200, "body": body}
    check_size(response, None, "response", _FEWER_ROWS)
    return response


def _read_row(row: object, at: str) -> Row:
    if not isinstance(row, Mapping):
        return Row(NO_ID, None, InvalidEvent(f"{at} is {kind_of(row)}, not an object"))
    try:
        row_id = _read_id(row, at)
    except InvalidEvent as failure:
        return Row(NO_ID, None, failure)
    try:
        return Row(row_id, _read_completion(row, at), None)
    except InvalidEvent as failure:
        return Row(row_id, None, failure)


def _read_id(row: Mapping[str, Any], at: str) -> RowId:
    if "id" not in row:
        raise InvalidEvent(f"{at}.id is missing")
    value = row["id"]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not value:
        raise InvalidEvent(f"{at}.id is {kind_of(value) if value != '' else 'empty'}; it must be text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidEvent(f"{at}.id holds half of a surrogate pair, which is not Unicode text") from None
    return value


def _read_completion(row: Mapping[str, Any], at: str) -> Completion:
    if "messages" not in row:
        raise InvalidEvent(f"{at}.messages is missing")
    messages = row["messages"]
    if not isinstance(messages, list):
        raise InvalidEvent(f"{at}.messages is {kind_of(messages)}; it must be a list of role and content")
    turns = _backwards(messages, f"{at}.messages")
    role, answer, place = next(turns, (None, None, ""))
    if role not in _MODEL:
        raise InvalidEvent(f"{at}.messages must end with the model's turn, of the role nova_assistant or assistant")
    output = _read_text(answer, place)
    for role, content, place in turns:
        if role == "user":
            return Completion(_read_text(content, place), output, _read_gold(row, at))
    raise InvalidEvent(f"{at}.messages has no user message before the model's turn")


def _backwards(messages: list[Any], at: str) -> Iterator[tuple[str, Any, str]]:
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if not isinstance(message, Mapping):
            raise InvalidEvent(f"{at}[{index}] is {kind_of(message)}, not an object of role and content")
        role = message.get("role")
        if not isinstance(role, str):
            raise InvalidEvent(f"{at}[{index}].role is {kind_of(role) if 'role' in message else 'missing'}")
        yield role, message.get("content"), f"{at}[{index}].content"


def _read_text(content: object, at: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        empty = isinstance(content, list)
        raise InvalidEvent(f"{at} is {'empty' if empty else kind_of(content)}; it is text or a list of text parts")
    texts = []
    for index, part in enumerate(content):
        text = part.get("text") if isinstance(part, Mapping) and part.get("type", "text") == "text" else None
        if not isinstance(text, str):
            raise InvalidEvent(f"{at}[{index}] is not a text part, an object of type text and text")
        texts.append(text)
    return "".join(texts)


def _read_gold(row: Mapping[str, Any], at: str) -> str:
    holder = row
    if "reference_answer" not in row and isinstance(row.get("metadata"), Mapping):
        holder = row["metadata"]
    reference = holder.get("reference_answer")
    if reference is None:
        return ""
    if isinstance(reference, str):
        return reference
    try:
        return json.dumps(reference, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise InvalidEvent(f"{at}.reference_answer holds what JSON cannot") from None
