"""Rules about the Lambda function: `processor` and `rl_env`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from evalayer_lab.inputs import Arn
from evalayer_lab.inputs.yaml import Keys
from evalayer_lab.recipe._edit import Insert, SetValue
from evalayer_lab.recipe._rules_fields import has_placeholder
from evalayer_lab.recipe._subject import ABSENT, Remark, Subject, shown

_ARN: Final = "arn:aws:lambda:REGION:ACCOUNT:function:NAME"
_SAGEMAKER: Final = re.compile(r"SageMaker|sagemaker|Sagemaker")
_FOLDS: Final = ("average", "min", "max", "sum")
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "avg": "average",
    "mean": "average",
    "macro-average": "average",
    "macro_average": "average",
    "minimum": "min",
    "maximum": "max",
    "total": "sum",
}


def check_processor(subject: Subject) -> Iterator[Remark]:
    """Check the sections that name a Lambda function."""
    if subject.get("rl_env", "reward_lambda_arn") == "":
        yield subject.error("missing-field", ("rl_env", "reward_lambda_arn"), "is empty; rft_eval needs the function")
    if subject.kind == "rft_eval" and subject.circumstances.reward is False:
        reason = "asks for rewards, and this function declares none; give its Task reward={metric: weight}"
        yield subject.error("lambda-type", ("rl_env", "reward_lambda_arn"), reason)
    yield from _arn(subject, ("rl_env", "reward_lambda_arn"))
    processor = subject.section("processor")
    if not processor:
        return
    if subject.kind not in {"gen_qa", "open_source", "unknown"}:
        task = subject.text("evaluation", "task")
        yield subject.error(
            "processor-kind", ("processor",), f"belongs to gen_qa; {task} has no processor: remove the section"
        )
        return
    yield from _arn(subject, ("processor", "lambda_arn"))
    yield from _aggregation(subject)
    if subject.kind == "gen_qa":
        yield from _type(subject)


def _arn(subject: Subject, place: Keys) -> Iterator[Remark]:
    given = subject.text(*map(str, place))
    if not given or has_placeholder(given):
        return
    arn = Arn.parse(given.strip())
    if arn is None or not arn.is_function or arn.text != given:
        edit = SetValue(place, arn.text) if arn and arn.is_function else None
        yield subject.error(
            "lambda-arn", place, f"is {shown(given)}, which is not the ARN of a Lambda function: {_ARN}", edit
        )
        return
    if arn.qualifier or arn.partition != "aws":
        what = "a version or an alias" if arn.qualifier else f"the partition {arn.partition}"
        yield subject.warning(
            "lambda-arn-qualified",
            place,
            f"names {what}; AWS's own tools refuse that, and whether a job accepts it is not documented",
        )
    if not _SAGEMAKER.search(arn.name):
        if subject.circumstances.hyperpod:
            yield subject.error(
                "lambda-arn-name", place, "names a function without SageMaker in its name; HyperPod refuses that"
            )
        else:
            yield subject.warning(
                "lambda-arn-name",
                place,
                "names a function without SageMaker in its name; AmazonSageMakerFullAccess lets no job invoke that",
            )


def _aggregation(subject: Subject) -> Iterator[Remark]:
    place, given = ("processor", "aggregation"), subject.get("processor", "aggregation")
    open_source = subject.kind == "open_source"
    if given is ABSENT or (open_source and given in (None, "", "median")):
        return
    if given not in _FOLDS:
        meant = given.strip().lower() if isinstance(given, str) else ""
        meant = _OTHER_NAMES.get(meant, meant)
        edit = SetValue(place, meant) if meant in _FOLDS else None
        yield subject.error("aggregation", place, f"is {shown(given)}; it must be one of {', '.join(_FOLDS)}", edit)
    elif given in {"min", "max"} and not open_source:
        yield from _corpus_metrics(subject, str(given))


def _corpus_metrics(subject: Subject, fold: str) -> Iterator[Remark]:
    place, metrics = ("processor", "aggregation"), subject.circumstances.corpus_metrics
    if metrics is None:
        yield subject.warning(
            "corpus-metrics",
            place,
            f"is {fold}, which loses the counters of corpus metrics such as classification, and of unscored rows; "
            "write average or sum, or name the function with --handler to be certain",
        )
    elif metrics:
        yield subject.error(
            "corpus-metrics",
            place,
            f"is {fold}, which loses the counters of {', '.join(metrics)}; write average or sum",
            SetValue(place, "average"),
        )


def _type(subject: Subject) -> Iterator[Remark]:
    place, given = ("processor", "lambda_type"), subject.get("processor", "lambda_type")
    if not subject.text("processor", "lambda_arn") and not subject.circumstances.twin:
        if given == "custom_metrics":
            yield subject.warning(
                "lambda-arn-empty", ("processor", "lambda_arn"), "is missing or empty: no function is called"
            )
        return
    if given is ABSENT:
        insert = Insert(place, "custom_metrics", ("lambda_arn",))
        reason = "is missing, and its default is not documented; write custom_metrics, or rft for a reward function"
        yield subject.warning("lambda-type", place, reason, insert)
    elif given == "rft":
        reason = "is rft, which sends lists of conversations to a reward function and never preprocesses"
        preprocesses = subject.get("processor", "preprocessing", "enabled") is True
        reward = subject.circumstances.reward
        edit = SetValue(place, "custom_metrics")
        if reward is False:
            yield subject.error(
                "lambda-type", place, f"{reason}; this function declares no reward: write custom_metrics", edit
            )
        elif reward is None and preprocesses:
            yield subject.error("lambda-type", place, f"{reason}, which is enabled here; write custom_metrics", edit)
        elif reward is None or preprocesses:
            yield subject.warning("lambda-type", place, f"{reason}; write custom_metrics for metrics of your own")
    elif given != "custom_metrics":
        yield subject.error("lambda-type", place, f"is {shown(given)}; it must be custom_metrics or rft")
