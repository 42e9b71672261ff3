"""The colours of the page: readable, in order, and told apart without colour vision."""

from __future__ import annotations

import itertools
import math

import pytest
from tests.lab.report import documents
from tests.lab.report.colours import colours, contrast

from evalayer_lab.report.html import render_html

TEXTS = ("ink", "muted", "accent", "right", "wrong")
SHADES = [f"{letter}{step}" for letter in "rw" for step in range(7)]


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(documents.bare())


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(page: str, *, dark: bool) -> None:
    theme = colours(page, dark=dark)
    pairs = [(theme[text], theme[ground]) for text in TEXTS for ground in ("paper", "surface")]
    pairs += [(theme[f"on-{shade}"], theme[shade]) for shade in SHADES]
    assert min(contrast(*pair) for pair in pairs) >= 4.5
    assert contrast(theme["axis"], theme["paper"]) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_shades_grow_stronger_step_by_step(page: str, *, dark: bool) -> None:
    theme = colours(page, dark=dark)
    for letter in "rw":
        strengths = [contrast(theme[shade], theme["paper"]) for shade in SHADES if shade.startswith(letter)]
        assert strengths == sorted(strengths)


def test_right_and_wrong_differ_without_colour_vision(page: str) -> None:
    """Simulated protanopia and deuteranopia (Viénot, Brettel and Mollon 1999) keep blue and orange apart."""
    simulations = (
        ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
        ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
    )
    for theme, matrix in itertools.product((colours(page), colours(page, dark=True)), simulations):
        parts = [[int(theme[name][start : start + 2], 16) / 255 for start in (1, 3, 5)] for name in ("right", "wrong")]
        linear = [[part**2.2 for part in colour] for colour in parts]
        seen = [[sum(w * part for w, part in zip(row, colour, strict=True)) for row in matrix] for colour in linear]
        assert math.dist(*([max(0.0, part) ** (1 / 2.2) for part in colour] for colour in seen)) > 0.4


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
