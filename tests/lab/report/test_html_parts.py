from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lab.report.documents import HOSTILE
from tests.lab.report.estimates import share

from evalayer_lab.report import Estimate
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html import _palette
from evalayer_lab.report.html._chart import hatched
from evalayer_lab.report.html._marks import axis_for, interval_mark
from evalayer_lab.report.html._markup import Html, clean, clip, cut, el, join, prose, user
from evalayer_lab.report.html._scale import Scale, around

finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(*, dark: bool) -> None:
    theme = _palette.DARK if dark else _palette.LIGHT
    pairs = [(theme[text], theme[ground]) for text in _palette.TEXT for ground in ("paper", "surface")]
    pairs += _palette.shades(dark=dark).values()
    assert min(_palette.contrast(*pair) for pair in pairs) >= 4.5
    assert _palette.contrast(theme["axis"], theme["paper"]) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_shades_grow_stronger_step_by_step(*, dark: bool) -> None:
    shades, paper = _palette.shades(dark=dark), (_palette.DARK if dark else _palette.LIGHT)["paper"]
    for letter in "rw":
        strengths = [_palette.contrast(shades[f"{letter}{step}"][0], paper) for step in range(_palette.STEPS)]
        assert strengths == sorted(strengths)


def test_right_and_wrong_differ_without_colour_vision() -> None:
    """Simulated protanopia and deuteranopia (Viénot, Brettel and Mollon 1999) keep blue and orange apart."""
    simulations = (
        ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
        ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
    )
    for theme, matrix in itertools.product((_palette.LIGHT, _palette.DARK), simulations):
        colours = [
            [int(theme[name][start : start + 2], 16) / 255 for start in (1, 3, 5)] for name in ("right", "wrong")
        ]
        linear = [[part**2.2 for part in colour] for colour in colours]
        seen = [[sum(w * part for w, part in zip(row, colour, strict=True)) for row in matrix] for colour in linear]
        assert math.dist(*([max(0.0, part) ** (1 / 2.2) for part in colour] for colour in seen)) > 0.4


def test_contrast_of_black_and_white_is_21() -> None:
    assert _palette.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _palette.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@given(st.floats(0, 1))
def test_shade_is_a_step_and_never_nothing_for_something(value: float) -> None:
    step = _palette.shade(value)
    assert 0 <= step < _palette.STEPS
    assert (step == 0) == (value == 0)


@given(st.floats(-1e300, 1e300))
def test_numbers_never_round_to_a_false_end(value: float) -> None:
    shown = fmt.number(value).replace(",", "").replace("−", "-")
    if not shown.startswith(("almost", "-almost")):
        assert float(shown) == pytest.approx(value, rel=6e-3, abs=5.1e-4)
        assert (abs(float(shown)) == 1) == (abs(value) == 1) or not 0.9 < abs(value) < 1.1
        assert (float(shown) == 0) == (value == 0)


@given(st.floats(0, 1))
def test_percents_never_round_to_a_false_end(value: float) -> None:
    shown = fmt.percent(value)
    assert (shown == "100%") == (value * 100 == 100)
    assert (shown == "0%") == (value == 0)


def test_intervals_in_words() -> None:
    whole = share(8, 10)
    assert fmt.interval(whole) == "0.490 to 0.943"
    assert fmt.interval(whole.model_copy(update={"low": None})) == "at most 0.943"
    assert fmt.interval(whole.model_copy(update={"high": None})) == "at least 0.490"
    assert fmt.interval(share(0, 0)) == "–"


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_ends_of_an_interval_are_seen_to_differ(successes: int, n: int) -> None:
    whole = share(min(successes, n), n)
    shown = [*fmt.interval(whole).split(" to "), fmt.value(whole)]
    low, high, value = (float(text.replace("−", "-").removeprefix("almost ")) for text in shown)
    assert low < high
    assert low <= value <= high


def test_elements_escape_what_they_hold() -> None:
    assert el("p", "<b>&", title='"<>') == '<p title="&quot;&lt;&gt;">&lt;b&gt;&amp;</p>'
    assert el("p", Html("<b>"), None, class_="x", hidden=True, lang=None, dir=False) == '<p class="x" hidden><b></p>'
    assert el("line", x1=1 / 3, stroke_width=2) == '<line x1="0.33" stroke-width="2"></line>'
    assert join("<", Html("<wbr>")) == "&lt;<wbr>"


@given(st.one_of(st.sampled_from(HOSTILE), st.text()))
def test_user_text_never_becomes_markup(text: str) -> None:
    for shown in (user(text), prose(text), el("p", text)):
        shown.encode()
        inner = shown
        for known in ("bdi", "code", "p", "wbr"):
            inner = Html(inner.replace(f"<{known}>", "").replace(f"</{known}>", ""))
        assert "<" not in inner
        assert clean(text) == clean(clean(text))


def test_code_in_sentences() -> None:
    assert prose("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert prose("one ` alone") == "one ` alone"


@given(st.text(), st.integers(4, 50))
def test_cut_texts(text: str, most: int) -> None:
    assert len(clip(text, most)) <= most
    assert clip(text, most)[: most // 3] == text[: most // 3]
    assert cut(text, most) == text or cut(text, most).startswith(text[:most])


@given(st.lists(finite, min_size=1))
def test_axes_hold_their_values(values: list[float]) -> None:
    scale = around(values, 5.0, 95.0)
    drawable = [value for value in values if abs(value) < 1e12]
    assert (scale is None) == (not drawable)
    if scale is not None:
        slack = 1e-9 * max(abs(scale.low), abs(scale.high))
        assert scale.low - slack <= min(drawable) <= max(drawable) <= scale.high + slack
        assert all(5 <= scale(value) <= 95 for value in values)
        assert 2 <= len(scale.ticks()) <= 12


@given(*[st.floats(0.5, 300)] * 4)
def test_hatching_stays_within_its_bar(x: float, y: float, width: float, height: float) -> None:
    points = re.findall("([0-9.]+),([0-9.]+)", hatched(x, y, width, height))
    assert all(x - 0.06 <= float(across) <= x + width + 0.06 for across, _ in points)
    assert all(y - 0.06 <= float(down) <= y + height + 0.06 for _, down in points)
    assert abs(len(points) / 2 - (width + height) / 5) <= 1


def test_axis_is_linear_and_clamped() -> None:
    scale = Scale(0.0, 2.0, 100.0, 0.0)
    assert [scale(value) for value in (-1, 0, 0.5, 2, 9)] == [100, 100, 75, 0, 0]
    assert list(Scale(0.4, 1.0, 0, 1).ticks()) == [0.4, 0.6, 0.8, 1.0]


def test_mark_says_on_which_side_of_the_whole_it_lies() -> None:
    weak, strong, unsure = share(10, 100), share(90, 100), share(1, 2)
    scale = axis_for(weak, strong, unsure)
    assert "lies below 0.500" in interval_mark(weak, scale, 0.5)
    assert "lies above 0.500" in interval_mark(strong, scale, 0.5)
    assert "holds 0.500" in interval_mark(unsure, scale, 0.5)
    assert interval_mark(Estimate(value=None, method="wilson", n=0), scale) == ""
