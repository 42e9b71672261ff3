"""The figures of a report that are worth keeping, each under one name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalayer import label_part
from evalayer_lab.inputs import InputError

if TYPE_CHECKING:
    from evalayer_lab.report import Document, Estimate

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]")
_LABEL_FIGURES: Final = ("precision", "recall", "f1")
_CONFIDENCE_FIGURES: Final = {
    "expected_calibration_error": False,
    "maximum_calibration_error": False,
    "debiased_l2_calibration_error": False,
    "brier_score": False,
    "auroc": True,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a run.

    Attributes:
        name: `<metric>`, `<metric>.<part>` or `<metric>.<part>.<label>`.
        metric: the metric; `confidence` for those of the log probabilities.
        estimate: the number, its interval and its denominator. Values of rows are means over the scored rows.
        higher_is_better: which way is good; None where neither is, or it is not known.
        reported: the folded value as the job reports it; None where it reports none.
    """

    name: str
    metric: str
    estimate: Estimate
    higher_is_better: bool | None = None
    reported: float | None = None


def figures(document: Document) -> tuple[Figure, ...]:
    """The figures of a report: of its metrics, its classifications and its confidence, in that order."""
    found: dict[str, Figure] = {}
    for figure in _all(document):
        found.setdefault(figure.name, figure)
    return tuple(found.values())


def renamed(names: Iterable[str], rename: Callable[[str], str], longest: int) -> dict[str, str]:
    """Give each name the one that it has elsewhere.

    Raises:
        InputError: two names become one, or one is too long.
    """
    found = {name: rename(name) for name in names}
    _check_names(((new, name) for name, new in found.items()), longest)
    return found


def with_ends(figures: Iterable[Figure], rename: Callable[[Figure], str], longest: int) -> dict[str, float]:
    """The figures that have a value, and both ends of their intervals with `_low` and `_high` behind the name.

    Args:
        figures: the figures.
        rename: gives a figure its name.
        longest: how many characters a name can have.

    Raises:
        InputError: two of them would have one name, or one is too long.
    """
    found = [
        (rename(figure) + end, figure.name, value)
        for figure in figures
        for end, value in (("", figure.estimate.value), ("_low", figure.estimate.low), ("_high", figure.estimate.high))
    ]
    _check_names(((new, name) for new, name, _ in found), longest)
    return {new: value for new, _, value in found if value is not None}


def plain(name: str) -> str:
    """A name with nothing but letters, digits, `_`, `.` and `-` in it.

    >>> plain("class.f1.hard/ware"), plain("class.f1.v2%2E1")
    ('class.f1.hard_2fware', 'class.f1.v2_252E1')
    """
    return escaped(name, _PLAIN.fullmatch, "_{:02x}")


def escaped(text: str, is_kept: Callable[[str], object], byte: str = "%{:02X}") -> str:
    """A text in which each character that is not kept is the bytes of its UTF-8, as %C3%A9 or in another format."""
    return "".join(
        character if is_kept(character) else "".join(map(byte.format, character.encode("utf-8", "surrogatepass")))
        for character in text
    )


def _check_names(names: Iterable[tuple[str, str]], longest: int) -> None:
    """Refuse pairs of a new name and the old one where two new ones are alike, or one is too long."""
    taken: dict[str, str] = {}
    for new, name in names:
        if new in taken:
            raise InputError(f"{taken[new]!r} and {name!r} would both be published as {new}; one must be renamed")
        if len(new) > longest:
            raise InputError(f"{name!r} is too long to be published: {len(new)} characters, and the limit is {longest}")
        taken[new] = name


def _all(document: Document) -> Iterator[Figure]:
    for metric in document.metrics:
        yield Figure(metric.name, metric.metric, metric.estimate, metric.higher_is_better, metric.reported)
    for each in document.classifications:
        for name, estimate in each.figures.items():
            yield Figure(f"{each.metric}.{name}", each.metric, estimate, higher_is_better=True)
        for label in each.labels:
            for name in _LABEL_FIGURES:
                yield Figure(
                    f"{each.metric}.{label_part(name, label.label)}",
                    each.metric,
                    getattr(label, name),
                    higher_is_better=True,
                )
    if document.confidence is not None:
        for name, higher_is_better in _CONFIDENCE_FIGURES.items():
            estimate = getattr(document.confidence, name)
            yield Figure(f"confidence.{name}", "confidence", estimate, higher_is_better)
