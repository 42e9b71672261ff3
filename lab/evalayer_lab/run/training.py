"""The baseline, trained on rows prepared as the rows to answer will be."""

from __future__ import annotations

from pathlib import Path

from evalayer import Sample
from evalayer_lab.backends.baseline import BaselineBackend
from evalayer_lab.dataset import read_gen_qa
from evalayer_lab.function import LoadedHandler, preprocess
from evalayer_lab.inputs import InputError
from evalayer_lab.recipe import Recipe


def train_baseline(path: Path, handler: LoadedHandler, recipe: Recipe, label_field: str) -> BaselineBackend:
    """Train the baseline on a gen_qa file.

    Raises:
        InputError: a row is broken, the handler's preprocess fails on it, or there is nothing to learn.
    """
    prompts: list[str] = []
    golds: list[str] = []
    for row in read_gen_qa(path, on_finding=lambda finding: None, strict=True):
        sample = Sample(row.query, row.response, row.system)
        if recipe.processor.preprocessing.enabled:
            try:
                sample = preprocess(handler.call, sample)
            except Exception as error:
                raise InputError(
                    f"the handler's preprocess fails on this row: {type(error).__name__}: {error}",
                    path=path,
                    line=row.line,
                ) from error
        prompts.append(sample.prompt)
        golds.append(sample.gold)
    try:
        return BaselineBackend(prompts, golds, label_field=label_field, top_logprobs=recipe.inference.top_logprobs or 0)
    except InputError as error:
        raise InputError(error.reason, path=path) from error
