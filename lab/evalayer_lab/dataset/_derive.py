"""What can be added to a row's metadata, and how each value is found; domains by rules or by a classifier."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from evalayer_lab.dataset._features import UNKNOWN, difficulty, language, length_bucket, task_type
from evalayer_lab.dataset._findings import shown
from evalayer_lab.dataset._lines import open_file
from evalayer_lab.dataset._rows import metadata_object, read_gen_qa
from evalayer_lab.inputs import InputError, load_function

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

KEYS: Final = ("task", "difficulty", "domain", "length", "language")
_LONGEST: Final = 10_000
_LARGEST: Final = 2**63 - 1

Value: TypeAlias = str | int | float | bool | None
Texts: TypeAlias = Mapping[str, str]
RowFunction: TypeAlias = Callable[[Texts], Value]
Derive: TypeAlias = Callable[[Sequence[Texts]], Sequence[Value | Exception]]
_SEED: Final = 0
_WORD: Final = r"\b\w+\b"
_FOLDS: Final = 5
_MAX_RULES_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class DomainSource:
    """How domains are found.

    Attributes:
        predict: the domain of each of some queries.
        about: what it is, for the record.
        rows: the labelled rows that a classifier learned from; 0 for rules.
        accuracy: a classifier's share of right domains on labelled rows that it had not seen, by cross-validation with
            5 folds; None for rules, and where a domain has a single row.
        commonest: the share of the commonest domain among the labelled rows: what always guessing it would get right.
    """

    predict: Callable[[Sequence[str]], Sequence[str]]
    about: str
    rows: int = 0
    accuracy: float | None = None
    commonest: float | None = None


def derivations(
    keys: Sequence[str], *, difficulty_of: RowFunction | None = None, domain: DomainSource | None = None
) -> Mapping[str, Derive]:
    """How to find the value of each key for some rows at a time.

    Args:
        keys: which of task, difficulty, domain, length and language to add.
        difficulty_of: given a row's texts (query, response, and system and metadata if it has them), its difficulty;
            None for the rule that `evalayer_lab.dataset` has. A difficulty is text of at most 10,000 characters, a
            finite number, or None for no difficulty.
        domain: how domains are found; needed for domain.

    Raises:
        InputError: a domain without a way to find it.
    """
    if "domain" in keys and domain is None:
        raise InputError("a domain needs labelled rows to learn from (--domain-from) or rules (--domain-rules)")
    known: dict[str, Derive] = {
        "task": _by_row(lambda row: task_type(row["query"], row["response"])),
        "difficulty": _by_row(difficulty_of or (lambda row: difficulty(row["query"]))),
        "length": _by_row(lambda row: length_bucket(row["query"])),
        "language": _by_row(lambda row: language(row["query"])),
    }
    if domain is not None:
        predict = domain.predict
        known["domain"] = lambda rows: predict([row["query"] for row in rows])
    return {key: known[key] for key in keys}


def load_row_function(spec: str) -> RowFunction:
    """Load `file.py:name` or `module:name`, a function of a row's texts.

    Raises:
        InputError: there is no such file or name, or importing it fails.
    """
    source, colon, name = spec.rpartition(":")
    if not colon or not name:
        raise InputError(f"{spec!r} does not name a function; write FILE.py:NAME or MODULE:NAME")
    return load_function(source, name)[1]


def _by_row(function: RowFunction) -> Derive:
    def derive(rows: Sequence[Texts]) -> Sequence[Value | Exception]:
        return [_called(function, row) for row in rows]

    return derive


def _called(function: RowFunction, row: Texts) -> Value | Exception:
    try:
        value = function(dict(row))  # a copy: what the function does to it does not change the row
    except Exception as error:  # noqa: BLE001 (a user's function; reported with the row)
        return error
    if _is_usable(value):
        return value
    return TypeError(f"it returned {shown(type(value).__name__)}, not text or a number that JSON can hold")


def _is_usable(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, int):
        return abs(value) <= _LARGEST
    return value is None or (isinstance(value, float) and math.isfinite(value))


def domain_rules(path: Path) -> DomainSource:
    """Read a YAML or JSON file of `domain: [words]`.

    The domain with the most occurrences of its words in a query is the query's, the earlier one in the file among
    equals; `unknown` where there are none. Words are whole words, phrases may have spaces, capitals do not matter.

    Raises:
        InputError: the file cannot be read or is something else.
    """
    rules = _rules(path)
    patterns = {domain: _pattern(words) for domain, words in rules.items()}

    def predict(queries: Sequence[str]) -> Sequence[str]:
        return [_most(query.casefold(), patterns) for query in queries]

    return DomainSource(predict, f"rules of {len(rules)} domains")


def domain_classifier(path: Path, key: str = "domain") -> DomainSource:
    """Train a classifier on `gen_qa` rows whose metadata has the domain under a key.

    TF-IDF of words and pairs of words, and logistic regression; the same rows give the same classifier.

    Raises:
        InputError: the file cannot be read, or its rows do not have at least two domains.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    queries: list[str] = []
    labels: list[str] = []
    for row in read_gen_qa(path, on_finding=lambda finding: None):
        value = (metadata_object(row.metadata or "") or {}).get(key)
        if isinstance(value, str) and value:
            queries.append(row.query)
            labels.append(value)
    if len(set(labels)) < 2:
        found = "none" if not labels else f"only {shown(labels[0])}"
        raise InputError(f"has {found} under {key!r} in its metadata; two domains are needed to train on", path=path)
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=_WORD),
        LogisticRegression(C=10.0, max_iter=2000, random_state=_SEED),
    )
    counts = Counter(labels)
    folds = min(_FOLDS, *counts.values())
    accuracy = None
    try:
        with threadpool_limits(1):  # the matrices are small: more threads would only wait for one another
            if folds > 1:
                split = StratifiedKFold(folds, shuffle=True, random_state=_SEED)
                accuracy = float(cross_val_score(model, queries, labels, cv=split, error_score="raise").mean())
            model.fit(queries, labels)
    except ValueError as error:  # no words to learn from
        raise InputError(f"cannot be learned from: {error}", path=path) from error

    def predict(batch: Sequence[str]) -> Sequence[str]:
        return [str(label) for label in model.predict(list(batch))]

    return DomainSource(predict, "a classifier", len(labels), accuracy, max(counts.values()) / len(labels))


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def _most(query: str, patterns: Mapping[str, re.Pattern[str]]) -> str:
    counts = {domain: len(pattern.findall(query)) for domain, pattern in patterns.items()}
    best = max(counts, key=lambda domain: counts[domain])
    return best if counts[best] else UNKNOWN


def _rules(path: Path) -> Mapping[str, Sequence[str]]:
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    root = _composed(path)
    if not isinstance(root, MappingNode) or not root.value:
        raise InputError("is not a mapping of domains to words, such as finance: [invoice, tax]", path=path)
    rules: dict[str, list[str]] = {}
    for key, node in root.value:
        line = key.start_mark.line + 1
        words = node.value if isinstance(node, SequenceNode) else []
        if not isinstance(key, ScalarNode):
            raise InputError("a domain is a name", path=path, line=line)
        if not words or not all(isinstance(word, ScalarNode) and word.value.strip() for word in words):
            raise InputError("is not a list of words", path=path, line=line, field=shown(key.value))
        rules.setdefault(key.value, []).extend(word.value.strip().casefold() for word in words)
    return rules


def _composed(path: Path) -> Node | None:
    """The nodes of a YAML file, of which JSON is a kind; every scalar in it is text."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    with open_file(str(path)) as file:
        content = file.read(_MAX_RULES_BYTES + 1)
    if len(content) > _MAX_RULES_BYTES:
        raise InputError(f"is larger than {_MAX_RULES_BYTES // 1024} KiB", path=path)
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(content.decode("utf-8-sig"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise InputError(f"not YAML: {error.problem or error.context}", path=path, line=line) from error
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "reason", error)
        raise InputError(f"not YAML: {reason}", path=path) from error
    return node
