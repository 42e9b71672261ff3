"""Numbers as people write them."""

from __future__ import annotations

import re
from typing import Final

# Bounded runs, and possessive repeats, keep the search linear in the text.
_DIGITS: Final = r"\d++(?:[.,'’_\u00a0\u2009\u202f]\d++)*+"
NUMBER: Final = rf"(?:{_DIGITS}|(?<!\d)[.]\d++)(?:[eE][-+−]?\d{{1,4}}(?!\w))?+"
_SEPARATORS: Final = str.maketrans(
    {"'": None, "’": None, "_": None, "\u00a0": None, "\u2009": None, "\u202f": None, "−": "-"}
)
_WHOLE_GROUP: Final = re.compile(r"\d{3}(?!\d)")
_MAX_LENGTH: Final = 400


def parse_number(text: str) -> str | None:
    """Rewrite a number, without sign, as Python spells it: no separators of thousands, a point for the decimals.

    Where both a point and a comma stand in it, the last of them is the decimal one. A single kind that stands more
    than once separates thousands (or, where the groups are too short for that, the items of a list, of which the
    last is the number). A comma that stands once, before exactly three digits and after a whole number that does not
    begin with 0, separates thousands; any other comma is a decimal one.

    Returns:
        The number, or None for one of more than 400 characters.

    >>> [parse_number(text) for text in ("1,234.5", "1.234,5", "12,5", "1,234", "0,125", "1.234", "1,2,3")]
    ['1234.5', '1234.5', '12.5', '1234', '0.125', '1.234', '3']
    """
    if len(text) > _MAX_LENGTH:
        return None
    text = text.translate(_SEPARATORS)
    points, commas = text.count("."), text.count(",")
    if points and commas:
        decimal, thousands = (".", ",") if text.rindex(".") > text.rindex(",") else (",", ".")
        whole, _, rest = text.rpartition(decimal)
        return f"{whole.replace(thousands, '').replace(decimal, '')}.{rest}"
    if points + commas > 1:
        first, *groups = text.replace(",", ".").split(".")
        is_grouped = _WHOLE_GROUP.match(groups[-1]) and all(len(group) in {2, 3} for group in groups)
        return first + "".join(groups) if is_grouped else groups[-1]
    if commas:
        whole, _, rest = text.partition(",")
        return whole + rest if _WHOLE_GROUP.match(rest) and not whole.startswith("0") else f"{whole}.{rest}"
    return text
