from __future__ import annotations

import pytest
from tests.lab.doctor.project import Project

NAME = "function:SageMaker-tickets"


def test_another_aggregation_than_the_template(project: Project) -> None:
    project.edit("aggregation: average", "aggregation: sum", project.recipe)
    finding = project.only(project.recipe)
    assert (finding.code, finding.severity) == ("recipe-aggregation", "error")
    assert "is sum, but Function is built for average (EVALAYER_AGGREGATION in the template)" in finding.reason


def test_another_aggregation_than_the_code(project: Project) -> None:
    project.edit("          EVALAYER_AGGREGATION: !Ref Aggregation\n", "          OTHER: x\n")
    assert project.found(project.recipe) == []
    project.edit("(task)", '(task, aggregation="sum")', project.function / "app.py")
    assert "built for sum (build_lambda_handler in its code)" in project.only(project.recipe).reason


@pytest.mark.parametrize("aggregation", ["min", "max"])
def test_a_corpus_metric_under_min_or_max(project: Project, aggregation: str) -> None:
    project.edit("aggregation: average", f"aggregation: {aggregation}", project.recipe)
    assert project.found(project.recipe) == [("recipe-aggregation", "error"), ("recipe-corpus-metric", "error")]
    finding = project.faults(project.recipe)[1]
    assert "corpus metrics class of Function" in finding.reason
    app = project.function / "app.py"
    project.edit(', classification(field="class", labels=["network", "access"])', "", app)
    assert project.found(project.recipe) == [("recipe-aggregation", "error")]


@pytest.mark.parametrize(
    ("new", "found"),
    [
        ("function:SageMaker-other", [("recipe-function", "error")]),
        ("layer:SageMaker-tickets", [("recipe-function", "error")]),
        (f"{NAME}:live", [("recipe-function", "warning")]),
        (f"{NAME}:$LATEST", []),
    ],
)
def test_another_function_than_the_template(project: Project, new: str, found: list[tuple[str, str]]) -> None:
    project.edit(NAME, new, project.recipe)
    assert project.found(project.recipe) == found


def test_an_alias_that_the_template_publishes(project: Project) -> None:
    project.edit("      Timeout: 30\n", "      Timeout: 30\n      AutoPublishAlias: live\n")
    project.edit(NAME, f"{NAME}:live", project.recipe)
    assert project.found(project.recipe) == []


def test_a_recipe_without_a_function_still_has_an_aggregation(project: Project) -> None:
    project.edit("arn:aws:lambda:us-east-1:111122223333:function:SageMaker-tickets", '""', project.recipe)
    assert project.found(project.recipe) == []
    project.edit("aggregation: average", "aggregation: sum", project.recipe)
    assert project.found(project.recipe) == [("recipe-aggregation", "error")]


@pytest.mark.parametrize("name", ["!Sub '${AWS::StackName}-tickets'", "!ImportValue name"])
def test_a_name_that_cannot_be_known_may_be_the_one(project: Project, name: str) -> None:
    project.edit("FunctionName: SageMaker-tickets", f"FunctionName: {name}")
    assert project.found(project.recipe) == []


def test_a_name_that_cannot_be_the_one(project: Project) -> None:
    project.edit("FunctionName: SageMaker-tickets", "FunctionName: !Sub 'SageMaker-${AWS::StackName}-mine'")
    assert project.found(project.recipe) == [("recipe-function", "error")]
