"""Whether a description can be used as it is."""

from __future__ import annotations

import re
from typing import Final

from evalayer import Completion, InvalidMetric, Metric, Score, Unscored
from evalayer_metrics._explanation import evidence, grounding, mean, names, stems
from evalayer_metrics._json import text_of
from evalayer_metrics._text import MAX_CHARACTERS, repetition_free, words

_PARTS: Final = ("length", "names_evidence", "non_repetition", "readability")
_SENTENCE_END: Final = re.compile(r"[.!?:。！？।؟](?:\s|$)|[。！？]")
_EASY: Final = 40.0
_HARD: Final = 80.0


class description_quality(Metric):  # noqa: N801 (called like the functions beside it)
    """How usable the description of an answer is: its length, its evidence, its variety, its readability.

    Parts, each between 0 and 1:

    - `length`: 1.0 from `min_words` to `max_words` words, below that n / `min_words`, above it `max_words` / n.
    - `names_evidence`: 1.0 where it names the class the answer gives, otherwise the share of its distinct content
      words that stand in the prompt (the grounding of `reasoning_coherence`).
    - `non_repetition`: the share of distinct word trigrams (distinct-n, Li et al. 2016).
    - `readability`: from LIX, words per sentence plus the percentage of words longer than six characters (Björnsson
      1968; compared across eleven languages in Björnsson 1983, "Readability of newspapers in 11 languages"): 1.0 up
      to 40, ordinary prose, falling evenly to 0.0 at 80, beyond officialese.
    - `mean`: the plain mean of the four.

    Scripts without spaces count by pairs of characters, so `length` counts pairs and only the length of sentences
    makes such text hard to read. Blind to whether the description is true. Of each text the first 50,000 characters
    are read. Unscored where the answer is not a JSON object or has no description.

    Args:
        description: the field of the answer that holds the description.
        conclusion: the field of the answer that holds the class.
        min_words: the smallest good number of words.
        max_words: the largest good number of words.
        name: what it reports under.

    Raises:
        InvalidMetric: the bounds are not 1 <= min_words <= max_words.

    >>> metric = description_quality(min_words=4)
    >>> answer = '{"class": "network", "description": "The office network drops every hour."}'
    >>> metric.score(Completion("", answer, ""))["mean"]
    1.0
    """

    def __init__(
        self,
        description: str = "description",
        conclusion: str = "class",
        *,
        min_words: int = 5,
        max_words: int = 60,
        name: str = "description_quality",
    ) -> None:
        super().__init__(name, parts=[*_PARTS, "mean"])
        if not 1 <= min_words <= max_words:
            raise InvalidMetric(f"{name}: min_words={min_words} and max_words={max_words} leave no good length")
        self._description = description
        self._conclusion = conclusion
        self._min_words = min_words
        self._max_words = max_words

    def score(self, completion: Completion) -> Score:
        """Score one completion."""
        answer = completion.json
        text = answer.get(self._description) if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(text, str) or not text.strip():
            return Unscored(f"the answer has no text in its field {self._description}")
        text = text[:MAX_CHARACTERS]
        found = words(text, unspaced=2)
        given = text_of(answer.get(self._conclusion)) or ""
        named = names(given, found)
        values = (
            self._length(len(found)),
            1.0 if named else grounding(evidence(found, stems(given)), completion.prompt),
            repetition_free(found),
            _readability(text, found),
        )
        return dict(zip(self.parts, (*values, mean(values)), strict=True))

    def _length(self, count: int) -> float:
        return min(1.0, count / self._min_words, self._max_words / count if count else 0.0)


def _readability(text: str, found: list[str]) -> float:
    if not found:
        return 0.0
    sentences = max(1, len(_SENTENCE_END.findall(text.rstrip())))
    lix = len(found) / sentences + 100.0 * sum(len(word) > 6 for word in found) / len(found)
    return min(1.0, max(0.0, (_HARD - lix) / (_HARD - _EASY)))
