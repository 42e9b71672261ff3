"""A small real model: the incumbent that a large one should beat."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import fsum
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from evalayer_lab.backends._base import Generation, Request
from evalayer_lab.inputs import InputError

_SEED: Final = 0
_TOKEN: Final = re.compile(r"\w+|\s+|[^\w\s]")
_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]*")
_EVIDENCE_WORDS: Final = 3
_SHARED: Final = 0.95  # words of the query template stand in every prompt and tell nothing
_LOGPROB_FLOOR: Final = -100.0


class BaselineBackend:
    """TF-IDF and logistic regression, trained on labelled rows, answering in the shape of their gold.

    The gold of a training row is a JSON object with the label under `label_field`, or the label alone. The model
    predicts the label; in an object it fills `thought` with the words that spoke for the label and `description`
    with the sentence of the prompt that did most, if the gold has these fields. The log probability of the label's
    token is the model's predicted probability; every other token follows from the label and has probability 1.

    Args:
        prompts: the training prompts, prepared as the prompts to answer will be.
        golds: the expected answers.
        label_field: the field of the gold that holds the label.
        top_logprobs: how many of the most likely labels to give log probabilities for; 0 for none.

    Raises:
        InputError: the training rows do not have at least two labels.
    """

    name = "baseline"
    batch_size = 64
    needs_occurrence = False

    def __init__(
        self, prompts: Sequence[str], golds: Sequence[str], *, label_field: str = "class", top_logprobs: int = 0
    ) -> None:
        self._label_field = label_field
        self._top_logprobs = top_logprobs
        self._rows = len(prompts)
        self._prompts = frozenset(prompts)
        self._known = 0
        self._rows_sha256 = sha256(json.dumps([list(prompts), list(golds)]).encode()).hexdigest()
        parsed = [_parsed(gold) for gold in golds]
        labels = [_label(gold, label_field) for gold in parsed]
        usable = [index for index, label in enumerate(labels) if label is not None]
        if len({labels[index] for index in usable}) < 2:
            raise InputError(
                f"the baseline needs training rows of at least two labels in the field {label_field!r} of their gold; "
                f"{len(usable)} of {len(prompts)} rows have a label"
            )
        first = parsed[usable[0]]
        self._fields = list(first) if isinstance(first, dict) else None
        self._vectorizer = FeatureUnion(
            [
                ("word", TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_df=_SHARED)),
                ("char", TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5), min_df=2)),
            ]
        )
        self._classifier = LogisticRegression(C=10.0, max_iter=2000, random_state=_SEED)
        self._classifier.fit(
            self._vectorizer.fit_transform([prompts[index] for index in usable]), [labels[index] for index in usable]
        )
        self.labels: Final[list[str]] = [str(label) for label in self._classifier.classes_]
        words: TfidfVectorizer = self._vectorizer.transformer_list[0][1]
        self._analyze = words.build_analyzer()
        self._vocabulary: Mapping[str, int] = words.vocabulary_
        # Of two labels scikit-learn keeps one row of coefficients, those of the second.
        rows = (
            self._classifier.coef_
            if len(self.labels) > 2
            else np.vstack([-self._classifier.coef_, self._classifier.coef_])
        )
        self._word_weights: npt.NDArray[np.float64] = rows[:, : len(self._vocabulary)] * words.idf_

    @property
    def settings(self) -> Mapping[str, object]:
        """What the fitted model depends on."""
        return {
            "model": "TF-IDF (words 1-2, characters 3-5) and logistic regression (C=10)",
            "training_rows": self._rows,
            "training_sha256": self._rows_sha256,
            "label_field": self._label_field,
            "labels": self.labels,
            "top_logprobs": self._top_logprobs,
            "seed": _SEED,
        }

    @property
    def warnings(self) -> Sequence[str]:
        """That it was asked what it was trained on, if it was."""
        if not self._known:
            return ()
        return (f"the baseline was trained on {self._known} of the rows that it answered: its scores flatter it",)

    def generate(self, requests: Sequence[Request]) -> Sequence[Generation]:
        """Answer each request with the most probable label."""
        self._known += sum(request.prompt in self._prompts for request in requests)
        probabilities = self._classifier.predict_proba(
            self._vectorizer.transform([request.prompt for request in requests])
        )
        return [self._answer(request.prompt, row) for request, row in zip(requests, probabilities, strict=True)]

    def _answer(self, prompt: str, probabilities: npt.NDArray[np.float64]) -> Generation:
        best = int(np.argmax(probabilities))
        label = self.labels[best]
        if self._fields is None:
            text, at = label, 0
        else:
            text = json.dumps(self._object(prompt, best), ensure_ascii=False)
            at = text.index(json.dumps(label, ensure_ascii=False), text.index(json.dumps(self._label_field))) + 1
        if not self._top_logprobs:
            return Generation(text)
        order = np.argsort(-probabilities, kind="stable")[: self._top_logprobs]
        of_label = {
            self.labels[index]: max(float(np.log(probabilities[index])), _LOGPROB_FLOOR)
            if probabilities[index] > 0
            else _LOGPROB_FLOOR
            for index in order
        }
        certain = [{token: 0.0} for token in _TOKEN.findall(text[:at])]
        rest = [{token: 0.0} for token in _TOKEN.findall(text[at + len(label) :])]
        return Generation(text, [*certain, of_label, *rest])

    def _object(self, prompt: str, best: int) -> dict[str, str]:
        label = self.labels[best]
        answer: dict[str, str] = {}
        for field in self._fields or ():
            if field == self._label_field:
                answer[field] = label
            elif field == "thought":
                weights = self._evidence(prompt, best)
                said = ", ".join(
                    f'"{word}"' for word in sorted(weights, key=lambda word: (-weights[word], word))[:_EVIDENCE_WORDS]
                )
                answer[field] = f"The ticket says {said}, which speaks for {label}." if said else f"Probably {label}."
            elif field == "description":
                sentences = [sentence.strip() for sentence in _SENTENCE.findall(prompt)]
                answer[field] = max(
                    sentences, key=lambda sentence: fsum(self._evidence(sentence, best).values()), default=""
                )
            else:
                answer[field] = ""
        return answer

    def _evidence(self, text: str, label: int) -> dict[str, float]:
        weights = self._word_weights[label]
        found = {
            word: float(weights[column])
            for word in self._analyze(text)
            if " " not in word and (column := self._vocabulary.get(word)) is not None
        }
        return {word: weight for word, weight in found.items() if weight > 0}


def _parsed(gold: str) -> object:
    try:
        return json.loads(gold)
    except (ValueError, RecursionError):
        return gold


def _label(gold: object, field: str) -> str | None:
    value = gold.get(field) if isinstance(gold, dict) else gold
    return value.strip() if isinstance(value, str) and value.strip() else None
