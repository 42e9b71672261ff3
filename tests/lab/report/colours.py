"""The colours of a page, as its style sheet has them, and how far they stand apart."""

import re


def colours(page: str, *, dark: bool = False) -> dict[str, str]:
    """The custom properties of one of the two themes, by name: `#rrggbb`."""
    rules = re.findall(r":root\{(?:color-scheme:light dark;)?\s*(--.*?)\}", page, re.DOTALL)
    assert len(rules) == 2
    return dict(re.findall("--([a-z0-9-]+):(#[0-9a-f]{6});", rules[dark]))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, relative luminance of sRGB)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
