"""Whether an explanation holds together, as far as a function can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from evalayer import Completion, InvalidMetric, Metric, Score, Unscored
from evalayer_metrics._equations import right_equations
from evalayer_metrics._explanation import clauses, evidence, grounding, mean, stemmed, stems
from evalayer_metrics._json import text_of
from evalayer_metrics._lexicon import HEDGES, NEGATORS, TURNS, UNSPACED_HEDGES
from evalayer_metrics._text import MAX_CHARACTERS, folded, repetition_free, words

_PARTS = ("grounding", "conclusion", "non_repetition", "decisiveness", "arithmetic")
_REACH = 3  # words that a negator turns round


class reasoning_coherence(Metric):  # noqa: N801 (called like the functions beside it)
    """How well the thought of an answer is grounded, concludes, keeps moving, commits itself and calculates.

    Parts, each between 0 and 1:

    - `grounding`: the share of the thought's distinct content words that stand in the prompt. Content words are all
      but the function words of seven languages and the words of the labels; two words are the same where their first
      five characters are (the truncation that Can et al. 2008, "Information retrieval on Turkish texts", found to do
      as well as a stemmer). 0.0 for a thought without content words.
    - `conclusion`: of the mentions of classes in the thought, the share that speaks for the class the answer gives. A
      mention is a word of a label or of its cues. One that follows a negation by at most three words in its clause
      rules its class out: it speaks against the class given and is left out for another. 0.5 where no class is
      mentioned, 0.0 where the answer gives none.
    - `non_repetition`: the share of distinct word trigrams (distinct-n, Li et al. 2016).
    - `decisiveness`: 1 minus ten times the share of hedging words (perhaps, vielleicht, 可能, ...; some 16 languages),
      at least 0: ten hedges in a hundred words are 0.
    - `arithmetic`: the share of stated equations, such as 12 * 3 = 36, that are right to the digits given; 1.0 where
      there is none.
    - `mean`: the plain mean of the five.

    These are signs of coherence on the surface, no judgement of it. They are blind to the order of sentences, to
    paraphrase and synonyms, to facts the prompt does not state, to evidence that is quoted and then misread, and to
    negations and hedges the word lists do not know; words of the instructions in the prompt count as evidence.
    Measures of overlap like these agree with human ratings at a Spearman correlation of about 0.2 to 0.4 on
    coherence and groundedness. Of each text the first 50,000 characters are read.

    Unscored where the answer is not a JSON object or has no thought.

    Args:
        thought: the field of the answer that holds the reasoning.
        conclusion: the field of the answer that holds the class.
        labels: every class there is; without it (and without cues) only the class given is looked for.
        cues: for a label, further words that speak for it. The words of a phrase count each by itself.
        name: what it reports under.

    Raises:
        InvalidMetric: labels or cues that are not text, repeat, or do not belong together.

    >>> metric = reasoning_coherence(labels=["network", "hardware"])
    >>> answer = '{"class": "network", "thought": "VPN drops on wifi: a network fault, not hardware."}'
    >>> score = metric.score(Completion("My VPN drops whenever I am on wifi", answer, ""))
    >>> score["grounding"], score["conclusion"]
    (0.75, 1.0)
    """

    def __init__(
        self,
        thought: str = "thought",
        conclusion: str = "class",
        labels: Sequence[str] | None = None,
        cues: Mapping[str, Sequence[str]] | None = None,
        name: str = "reasoning_coherence",
    ) -> None:
        super().__init__(name, parts=[*_PARTS, "mean"])
        self._thought = thought
        self._conclusion = conclusion
        self._label_of_stem = _vocabulary(name, labels, cues or {})
        self._label_stems = frozenset(stem for label in labels or cues or () for stem in stems(label))

    def score(self, completion: Completion) -> Score:
        """Score one completion."""
        answer = completion.json
        thought = answer.get(self._thought) if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(thought, str) or not thought.strip():
            return Unscored(f"the answer has no text in its field {self._thought}")
        thought = folded(thought[:MAX_CHARACTERS])
        said = words(thought, unspaced=2)
        given = (text_of(answer.get(self._conclusion)) or "").strip()
        given_stems = stems(given)
        values = (
            grounding(evidence(said, self._label_stems | given_stems), completion.prompt),
            self._argues_for(given.casefold(), given_stems, thought, stemmed(said)) if given else 0.0,
            repetition_free(said),
            _decisiveness(said, thought),
            right_equations(thought),
        )
        return dict(zip(self.parts, (*values, mean(values)), strict=True))

    def _argues_for(self, given: str, given_stems: Set[str], thought: str, said: Set[str]) -> float:
        labels = self._label_of_stem
        if said.isdisjoint(given_stems) and said.isdisjoint(labels):  # it names no class
            return 0.5
        supporting = opposing = 0
        for clause in clauses(thought):
            negated = 0
            for word in clause:
                stem = word[:5]
                if word in NEGATORS:
                    negated = _REACH
                    continue
                if word in TURNS:
                    negated = 0
                    continue
                label = labels.get(stem)
                if label == given or (label is None and stem in given_stems):
                    supporting += not negated
                    opposing += negated > 0
                elif label is not None:
                    opposing += not negated
                negated -= negated > 0
        return supporting / (supporting + opposing) if supporting + opposing else 0.5


def _decisiveness(said: Sequence[str], thought: str) -> float:
    hedges = len([word for word in said if word in HEDGES])
    if not thought.isascii():
        hedges += len(UNSPACED_HEDGES.findall(thought))
    return max(0.0, 1.0 - 10.0 * hedges / len(said)) if said else 1.0


def _vocabulary(name: str, labels: Sequence[str] | None, cues: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    # The label that each stem speaks for; a stem of two labels speaks for neither.
    if isinstance(labels, str):
        raise InvalidMetric(f"{name}: labels={labels!r} is text; write labels=[{labels!r}]")
    known = list(cues) if labels is None else list(labels)
    if not all(isinstance(label, str) and label.strip() for label in known):
        raise InvalidMetric(f"{name}: labels must be text that is not blank: {known!r}")
    if len({label.strip().casefold() for label in known}) != len(known):
        raise InvalidMetric(f"{name}: labels must differ without case and outer white space: {known!r}")
    strangers = sorted(set(cues) - set(known))
    if strangers:
        raise InvalidMetric(f"{name}: cues for {strangers[0]!r}, which is not one of the labels {', '.join(known)}")
    found: dict[str, set[str]] = {}
    for label in known:
        own = cues.get(label, ())
        if isinstance(own, str) or not all(isinstance(cue, str) and stems(cue) for cue in own):
            raise InvalidMetric(f"{name}: cues of {label!r} must be a list of words: {own!r}")
        for text in (label, *own):
            for stem in stems(text):
                found.setdefault(stem, set()).add(label.strip().casefold())
    return {stem: owners.pop() for stem, owners in found.items() if len(owners) == 1}
