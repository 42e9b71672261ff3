"""What a job will take, as far as it is known before."""

from __future__ import annotations

from dataclasses import dataclass

from evalayer_lab.aws.launch._function import Concurrency
from evalayer_lab.aws.launch._plan import Plan
from evalayer_lab.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Costs:
    """What a job will take.

    Attributes:
        instance_type: of its instances.
        instances: how many it has, which is also the number of replicas that share the rows.
        max_hours: after which AWS stops it.
        rows: of its dataset; None for a benchmark.
        invocations: of the function, one for each event: at most two a row; None if it calls none, or if an event has
            more rows than one.
        reserved_concurrency: events at once that are set aside for the function; None if none are, or not known.
        account_concurrency: the account's limit in the region; None if not known.
        largest_event_bytes: of the largest event, without the model's answer; None if it sends none.
    """

    instance_type: str
    instances: int
    max_hours: float
    rows: int | None
    invocations: int | None
    reserved_concurrency: int | None
    account_concurrency: int | None
    largest_event_bytes: int | None


def costs(plan: Plan, concurrency: Concurrency | None) -> Costs:
    """Collect what a job will take."""
    resources = plan.request["ResourceConfig"]
    rows = plan.dataset.rows if plan.dataset else None
    return Costs(
        instance_type=resources["InstanceType"],
        instances=resources["InstanceCount"],
        max_hours=plan.settings.max_hours,
        rows=rows,
        invocations=None if rows is None else _invocations(plan, rows),
        reserved_concurrency=concurrency.reserved if concurrency else None,
        account_concurrency=concurrency.account if concurrency else None,
        largest_event_bytes=plan.dataset.largest_event if plan.dataset and plan.recipe.function else None,
    )


def _invocations(plan: Plan, rows: int) -> int | None:
    recipe = plan.recipe.recipe
    if not isinstance(recipe, Recipe) or plan.recipe.function is None:
        return None
    if recipe.processor.lambda_type == "rft":
        return None
    return rows * (recipe.processor.preprocessing.enabled + recipe.processor.postprocessing.enabled)
