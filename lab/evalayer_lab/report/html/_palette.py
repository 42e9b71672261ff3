"""The colours, for light and for dark. Every pair of text and ground that is used has a contrast of at least 4.5 to 1.

Blue stands for right and orange for wrong: told apart under every common colour blindness, and never the only sign.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

LIGHT: Final[Mapping[str, str]] = {
    "paper": "#ffffff",
    "surface": "#f5f5f2",
    "ink": "#1b1d21",
    "muted": "#5b6169",
    "rule": "#deded9",
    "axis": "#868c94",
    "accent": "#0b5a9c",
    "right": "#1f6fb5",
    "wrong": "#b9500c",
}
DARK: Final[Mapping[str, str]] = {
    "paper": "#14161a",
    "surface": "#1d2026",
    "ink": "#eceef0",
    "muted": "#a4abb4",
    "rule": "#343940",
    "axis": "#737b85",
    "accent": "#82bbf0",
    "right": "#5ea8e8",
    "wrong": "#f0a057",
}
STEPS: Final = 7
"""Shades of a scale, from nothing to all."""

_LIGHT_BLUES: Final = ("#f4f8fc", "#dbe8f4", "#b8d2ea", "#8ab6dc", "#5e9bcd", "#2c6fae", "#124b82")
_LIGHT_ORANGES: Final = ("#fdf8f3", "#fbe5d1", "#f6c99f", "#eea766", "#de8a42", "#b0560f", "#7f3c08")
_DARK_BLUES: Final = ("#1a1f26", "#1b2c3f", "#1d3c5b", "#214e78", "#2a6294", "#68a6dc", "#a9d0f3")
_DARK_ORANGES: Final = ("#211e1a", "#382616", "#523415", "#6f4413", "#885416", "#dd9650", "#f6c898")
_TURN: Final = 5  # the first shade on which the text changes sides


def shades(*, dark: bool) -> dict[str, tuple[str, str]]:
    """Ground and text of each shade: `r0` to `r6` for right, `w0` to `w6` for wrong."""
    theme = DARK if dark else LIGHT
    blues, oranges = (_DARK_BLUES, _DARK_ORANGES) if dark else (_LIGHT_BLUES, _LIGHT_ORANGES)
    return {
        f"{letter}{step}": (ground, theme["paper"] if step >= _TURN else theme["ink"])
        for letter, scale in (("r", blues), ("w", oranges))
        for step, ground in enumerate(scale)
    }


def shade(share: float) -> int:
    """The step of a share: 0 for nothing, the last for all."""
    return math.ceil(max(0.0, min(1.0, share)) * (STEPS - 1))


def css() -> str:
    """The colours as custom properties, and a class for each shade. Paper is always printed light."""
    classes = "".join(f".{name}{{background:var(--{name});color:var(--on-{name})}}" for name in shades(dark=False))
    return (
        f":root{{color-scheme:light dark;{_properties(dark=False)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_properties(dark=True)}}}}}"
        f"@media print{{:root{{color-scheme:light}}}}{classes}"
    )


def _properties(*, dark: bool) -> str:
    plain = "".join(f"--{name}:{colour};" for name, colour in (DARK if dark else LIGHT).items())
    return plain + "".join(
        f"--{name}:{ground};--on-{name}:{text};" for name, (ground, text) in shades(dark=dark).items()
    )
