from __future__ import annotations

import typing

from evalayer_lab.statistics import METHODS, Estimate


def test_every_method_that_an_estimate_can_have_is_explained() -> None:
    """The type checker holds every estimate to these names."""
    names = typing.get_args(typing.get_type_hints(Estimate)["method"])
    assert list(METHODS) == list(names)
    assert all(text.endswith(".") for text in METHODS.values())
