from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalayer_lab.backends.baseline import BaselineBackend
from evalayer_lab.function import load_handler
from evalayer_lab.recipe import read_recipe
from evalayer_lab.results import Results, read_results
from evalayer_lab.run import RunPlan, run

ROOT = Path(__file__).parents[3]
TICKETS = ROOT / "data/support_tickets"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the local twin wrote of the bundled tickets, answered by the baseline."""
    folder = tmp_path_factory.mktemp("twin")
    train = [json.loads(line) for line in (TICKETS / "train.jsonl").read_text("utf-8").splitlines()]
    recipe = ROOT / "recipes/support_tickets.yaml"
    run(
        RunPlan(
            recipe=read_recipe(recipe)[0],
            recipe_path=recipe,
            data=TICKETS / "gen_qa.jsonl",
            handler=load_handler(str(ROOT / "processors/app.py") + ":lambda_handler"),
            backend=BaselineBackend(
                [row["query"] for row in train], [row["response"] for row in train], top_logprobs=4
            ),
            output=folder,
        )
    )
    return read_results(folder, dataset=TICKETS / "gen_qa.jsonl")


def test_every_row_is_met_once(results: Results) -> None:
    join = results.join
    expected = len((TICKETS / "gen_qa.jsonl").read_text("utf-8").splitlines())
    assert join.rows == join.expected == join.answers == expected
    for found in (join.missing, join.unexpected, join.duplicates, join.ambiguous, join.without_metadata):
        assert found.count == 0


def test_the_values_are_those_that_the_run_reports(results: Results) -> None:
    assert results.run.aggregation == "average"
    for name, value in results.reported.items():
        assert results.values(name).mean() == pytest.approx(value, abs=1e-12)
    assert {metric.name for metric in results.metrics} == {metric.name for metric in results.run.metrics}


def test_labels_and_confidence(results: Results) -> None:
    assert results.field == "class"
    metric = next(metric for metric in results.metrics if metric.name == "class")
    golds, predictions, labels = results.classes(metric)
    assert [labels[code] for code in golds] == results.column("gold_label").tolist()
    assert [labels[code] for code in predictions] == results.column("predicted_label").tolist()
    joint = results.column("confidence_joint")
    assert ((joint > 0.25) & (joint <= 1.0)).all()  # the largest of four
    assert (results.column("generated_is_largest") == 1.0).all()
    for index, texts in enumerate(results.texts(range(5))):
        assert texts.answer is not None
        assert json.loads(texts.answer)["class"] == results.column("predicted_label")[index]
        assert "".join(max(position, key=position.__getitem__) for position in texts.positions) == texts.answer
