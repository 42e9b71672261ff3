"""The built-in metrics: each in a file of its own, imported when it is first asked for.

>>> from evalayer_metrics import classification
>>> classification(field="class", labels=["hardware", "software"])
<classification class>
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalayer_metrics.classification import classification
    from evalayer_metrics.description_quality import description_quality
    from evalayer_metrics.exact_match import exact_match
    from evalayer_metrics.json_fields import json_fields
    from evalayer_metrics.length_ratio import length_ratio
    from evalayer_metrics.numeric_match import numeric_match
    from evalayer_metrics.quasi_exact_match import quasi_exact_match
    from evalayer_metrics.reasoning_coherence import reasoning_coherence
    from evalayer_metrics.rouge_l import rouge_l
    from evalayer_metrics.schema_adherence import schema_adherence
    from evalayer_metrics.token_f1 import token_f1

__all__ = [
    "classification",
    "description_quality",
    "exact_match",
    "json_fields",
    "length_ratio",
    "numeric_match",
    "quasi_exact_match",
    "reasoning_coherence",
    "rouge_l",
    "schema_adherence",
    "token_f1",
]


class _Package(ModuleType):
    # A metric has the name of its file. Importing a file binds the module on the package; users mean the metric.
    def __setattr__(self, name: str, value: object) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module(f"{__name__}.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
