"""The nearest name to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 60  # characters of a name that is looked up; what is longer is no slip of the pen


def near_match(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None if none is near.

    >>> near_match("replicsa", ["replicas", "name"])
    'replicas'
    """
    from difflib import get_close_matches  # only an error pays for this import

    found = get_close_matches(name, list(known), n=1) if len(name) <= _LONGEST else []
    return found[0] if found else None


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the one that was probably meant, or all that there are.

    >>> suggest("replicsa", ["replicas", "name"]), suggest("x", ["replicas", "name"]), suggest("x", [])
    ('did you mean replicas?', 'there are: replicas, name', 'there are none')
    """
    names = list(known)
    near = near_match(name, names)
    if near is not None:
        return f"did you mean {near}?"
    return f"there are: {', '.join(names)}" if names else "there are none"
