"""What can be told of a row from its own text: task type, difficulty, length."""

from __future__ import annotations

import json
import re
from typing import Final

_SENTENCE_END: Final = re.compile(r"(?<![.!?。！？])[.!?。！？]++(?=\s|$)|\n++")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_ITEM: Final = re.compile(r"^[ \t]*(?:[-*•]|\(?[0-9a-zA-Z]{1,2}[.)])\s+\S", re.MULTILINE)
_QUESTION: Final = re.compile(r"[?？؟]")
_CHOICE: Final = re.compile(r"^[ \t]*\(?([A-Ha-h])[.):]\s+\S", re.MULTILINE)
_LETTER: Final = re.compile(r"\(?([A-Ha-h])\)?[.:)]?(?:\s|$)")
_NUMERIC: Final = re.compile(r"[-+−]?[$€£]?\s?\d[\d.,\s]*(?:[eE][-+]?\d+)?\s?%?|[-+]?\d+/\d+")
_CODE: Final = re.compile(
    r"```|^[ \t]*(?:def |class |import |from \w+ import |#include|function |SELECT\s)", re.MULTILINE
)
_UNSPACED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff]")
_YES_NO: Final = frozenset(
    {
        "yes",
        "no",
        "true",
        "false",
        "ja",
        "nein",
        "oui",
        "non",
        "sí",
        "si",
        "sim",
        "não",
        "sì",
        "nee",
        "tak",
        "nie",
        "evet",
        "hayır",
        "да",
        "нет",
        "ναι",
        "όχι",
        "はい",
        "いいえ",
        "是",
        "否",
        "예",
        "아니요",
        "ใช่",
        "ไม่",
        "हाँ",
        "नहीं",
    }
)
SHORT: Final = 200
LONG: Final = 1000


def length_bucket(query: str) -> str:
    """`short` below 200 characters, `medium` below 1,000, else `long`."""
    return "short" if len(query) < SHORT else "medium" if len(query) < LONG else "long"


def task_type(query: str, response: str) -> str:
    """What kind of answer is asked for, by the expected one; the first that fits.

    - `multiple_choice`: the answer begins with a letter that stands before one of at least two options of the query.
    - `yes_no`: the answer is yes, no, true or false, in one of 14 languages.
    - `number`: the answer is one number, with a sign, a currency or a percent sign at most.
    - `json`: the answer is a JSON object or list.
    - `code`: the answer has a code fence or begins a line as a program does.
    - `label`: the answer has at most 3 words; `short_answer`: at most 25; `long_answer`: more.

    >>> task_type("What is 2 + 2?", "4"), task_type("Which one? A) tea B) milk", "tea"), task_type("Who?", "It was me.")
    ('number', 'label', 'label')
    """
    answer = response.strip()
    options = {letter.lower() for letter in _CHOICE.findall(query)}
    letter = _LETTER.match(answer)
    if letter and len(options) > 1 and letter[1].lower() in options:
        return "multiple_choice"
    if answer.rstrip(".!").casefold() in _YES_NO:
        return "yes_no"
    if _NUMERIC.fullmatch(answer):
        return "number"
    if answer[:1] in {"{", "["} and _is_json(answer):
        return "json"
    if _CODE.search(answer):
        return "code"
    words = _words(answer)
    return "label" if words <= 3 else "short_answer" if words <= 25 else "long_answer"


def difficulty(query: str) -> str:
    """How much a query asks of a reader: `easy` for 0 or 1 points, `medium` for 2 or 3, `hard` for more.

    One point each for

    - more than 40 words, more than 120, more than 300;
    - sentences of more than 20 words on average;
    - at least three numbers;
    - more than one question, or at least two list items;
    - a second paragraph after a blank line.

    The points measure the text, not what a model makes of it. Where words are not spaced, two characters are a word.
    """
    words = _words(query)
    sentences = sum(1 for part in _SENTENCE_END.split(query) if part.strip())
    points = (
        (words > 40)
        + (words > 120)
        + (words > 300)
        + (words > 20 * max(sentences, 1))
        + (len(_NUMBER.findall(query)) >= 3)
        + (len(_QUESTION.findall(query)) > 1 or len(_ITEM.findall(query)) >= 2)
        + ("\n\n" in query.strip().replace("\r\n", "\n"))
    )
    return "easy" if points < 2 else "medium" if points < 4 else "hard"


def _words(text: str) -> int:
    unspaced = len(_UNSPACED.findall(text))
    return len(_UNSPACED.sub(" ", text).split()) + unspaced // 2 if unspaced else len(text.split())


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
