"""Recorded answers, scored again without the model."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from evalayer import JSONValue
from evalayer_lab.backends._base import Generation, Request
from evalayer_lab.inputs import InputError, parse_literal, reading

_MAX_LINE = 16 * 1024 * 1024
_NOT_RECORDED = Generation("", error="no recorded answer for this row")


class ReplayBackend:
    """Answers with what was recorded in a JSON Lines file.

    Each line has `inference`, the model's text, and either `query`, the dataset's query, or `prompt`, the
    messages after preprocessing as the container writes them to `inference_output.jsonl`; the container's own
    file can be given as it is. Rows of one query take its
    recorded answers in the file's order.

    Args:
        path: the recorded answers.

    Raises:
        InputError: the file cannot be read, or a line of it is not a recorded answer.
    """

    name = "replay"
    batch_size = 32
    warnings = ()

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._by_query: dict[str, list[str]] = defaultdict(list)
        self._by_prompt: dict[tuple[str | None, str], list[str]] = defaultdict(list)
        digest = sha256()
        with reading(path), self._path.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_MAX_LINE + 1), b""), start=1):
                digest.update(line)
                if line.strip():
                    self._record(line, number)
        if not self._by_query and not self._by_prompt:
            raise InputError("has no recorded answer; each line is an object of query and inference", path=path)
        self._sha256 = digest.hexdigest()

    @property
    def needs_occurrence(self) -> bool:
        """Whether a query has more than one recorded answer."""
        return any(len(answers) > 1 for answers in (*self._by_query.values(), *self._by_prompt.values()))

    @property
    def settings(self) -> Mapping[str, object]:
        """The file and its hash."""
        return {"answers": str(self._path), "answers_sha256": self._sha256}

    def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
        """Answer each request with its recorded answer, or with an error where there is none."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Generation:
        recorded = self._by_query.get(request.query) or self._by_prompt.get((request.system, request.prompt))
        if recorded is None:
            return _NOT_RECORDED
        # One recorded answer serves every row of the same content: it was one question.
        return Generation(recorded[min(request.occurrence, len(recorded) - 1)])

    def _record(self, line: bytes, number: int) -> None:
        if len(line) > _MAX_LINE:
            raise InputError("the line is longer than 16 MiB", path=self._path, line=number)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"not JSON: {error}", path=self._path, line=number) from error
        if not isinstance(answer, dict):
            raise InputError("not a JSON object", path=self._path, line=number)
        inference = answer.get("inference")
        if not isinstance(inference, str):
            raise InputError("must be text: the model's answer", path=self._path, line=number, field="inference")
        query, prompt = answer.get("query"), answer.get("prompt")
        if isinstance(query, str):
            self._by_query[query].append(inference)
        elif isinstance(prompt, str):
            self._by_prompt[self._messages(prompt, number)].append(self._first(inference, number))
        else:
            raise InputError(
                "is missing; give the row's query, or its prompt", path=self._path, line=number, field="query"
            )

    def _messages(self, prompt: str, number: int) -> tuple[str | None, str]:
        messages = self._literal(prompt, number, "prompt")
        said: dict[str, str] = {}
        for message in messages if isinstance(messages, list) else ():
            role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
            if isinstance(role, str) and isinstance(content, str):
                said[role] = content
        if "user" not in said:
            raise InputError("has no user message", path=self._path, line=number, field="prompt")
        return said.get("system"), said["user"]

    def _first(self, inference: str, number: int) -> str:
        answers = self._literal(inference, number, "inference")
        if not isinstance(answers, list) or not answers or not isinstance(answers[0], str):
            raise InputError("is not a list of answers", path=self._path, line=number, field="inference")
        return answers[0]

    def _literal(self, text: str, number: int, field: str) -> JSONValue:
        try:
            return parse_literal(text)
        except ValueError as error:
            raise InputError(str(error), path=self._path, line=number, field=field) from error
