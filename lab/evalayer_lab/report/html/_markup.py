"""Elements that escape what they hold: the one place where text becomes HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Final

_VOID: Final = frozenset({"meta", "wbr"})
_LONG: Final = 16  # characters of a name that fit in a narrow column
_BIDI: Final = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LAST: Final = (plane + place for plane in range(0, 0x110000, 0x10000) for place in (0xFFFE, 0xFFFF))
_SHOWN: Final[Mapping[int, str]] = {
    **dict.fromkeys((*range(0x7F, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), *_LAST, *_BIDI), "\ufffd"),
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in {0x09, 0x0A}},
}
"""Characters that no HTML or XML may hold, or that reorder what stands around them, and what is shown instead."""


class Html(str):
    """Text that is HTML already. Any other string is escaped where it is put into an element."""

    __slots__ = ()


def clean(text: str) -> str:
    """Replace what a page cannot hold: control characters, lone surrogates, non-characters, overrides of direction."""
    return text.replace("\r\n", "\n").translate(_SHOWN)


def cut(text: str, most: int) -> str:
    """Shorten a text to its first `most` characters and say how many were left out."""
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]}… ({left:,} more characters)"


def clip(text: str, most: int) -> str:
    """Shorten a name to `most` characters by leaving out its middle: names often differ at their ends."""
    if len(text) <= most:
        return text
    last = most // 3
    return f"{text[: most - last - 1]}…{text[-last:]}"


def el(name: str, *children: str | None, **attributes: str | float | bool | None) -> Html:
    """Make an element.

    Args:
        name: its name.
        children: strings are escaped, `Html` is taken as it is, None is left out.
        attributes: an underscore in a name stands for a hyphen, and one at its end is dropped (`class_`). None and
            False leave the attribute out, True gives it without a value, numbers are rounded to two decimals.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(*children)}</{name}>")


def join(*children: str | None) -> Html:
    """Put elements and text one after the other."""
    given = (child for child in children if child is not None)
    return Html("".join(each if isinstance(each, Html) else html.escape(clean(each), quote=False) for each in given))


def user(text: str, most: int = 100) -> Html:
    """Show a name or value of the user's data, kept apart from the direction of the text around it.

    A name of more than `most` characters is shortened. A long one may break after an underscore or a slash.
    """
    name = clip(text, most)
    pieces = re.split(r"(?<=[_/])(?=[^_/])", name) if len(name) > _LONG else [name]
    return el("bdi", pieces[0], *(part for piece in pieces[1:] for part in (el("wbr"), piece)))


def prose(text: str, most: int = 1000) -> Html:
    """Show a sentence; what stands in backquotes is shown as code."""
    pieces = cut(text, most).split("`")
    if len(pieces) % 2 == 0:
        return join("`".join(pieces))
    return join(*(el("code", piece) if index % 2 else piece for index, piece in enumerate(pieces)))


def hidden(text: str) -> Html:
    """Text for screen readers only."""
    return el("span", text, class_="vh")


def _attribute(key: str, value: str | float | bool) -> str:  # noqa: FBT001 (handed on)
    if value is False:
        return ""
    name = key.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {name}"
    shown = value if isinstance(value, str) else f"{round(value, 2):g}"
    return f' {name}="{html.escape(clean(shown))}"'
