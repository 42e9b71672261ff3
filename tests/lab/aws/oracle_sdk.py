"""Asks the SageMaker Python SDK: run by the Python of .venv/oracle, a JSON document on standard input and output.

In: `bucket`, where the SDK puts files; `launches`, each a recipe's path and what a job is launched with; `rewards`,
each a handler's file and its samples. Out: `requests`, each the CreateTrainingJob request that the SDK sent, and
`verdicts`, each what its verifier said.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any


def _record_requests(into: list[dict[str, Any]]) -> None:
    """Make every client that is made from now on report the jobs that it is about to create."""
    session = import_module("boto3").Session
    make = session.client

    def client(self: Any, *arguments: Any, **keywords: Any) -> Any:
        made = make(self, *arguments, **keywords)
        made.meta.events.register(
            "before-parameter-build.sagemaker.CreateTrainingJob",
            lambda params, **_: into.append(json.loads(json.dumps(params))),
        )
        return made

    session.client = client


def _launch(job: dict[str, Any], name: str, session: Any) -> None:
    configs = import_module("sagemaker.train.configs")
    inputs = []
    if job["data_uri"]:
        source = import_module("sagemaker.core.shapes").S3DataSource(
            s3_uri=job["data_uri"], s3_data_type="S3Prefix", s3_data_distribution_type="FullyReplicated"
        )
        inputs = [configs.InputData(channel_name="train", data_source=source)]
    trainer = import_module("sagemaker.train").ModelTrainer.from_recipe(
        training_recipe=job["recipe"],
        training_image=job["image"],
        compute=configs.Compute(instance_type=job["instance_type"], instance_count=job["instances"]),
        role=job["role"],
        sagemaker_session=session,
        base_job_name=name,
        output_data_config=configs.OutputDataConfig(s3_output_path=job["output"]),
        input_data_config=inputs,
    )
    trainer.train(wait=False, logs=False)


def _verify(reward: dict[str, Any]) -> dict[str, Any]:
    verify = import_module("sagemaker.train.common_utils.rlvr_reward_verifier").verify_reward_function
    try:
        result = verify(reward["file"], reward["samples"], is_nova=True)
    except ValueError as error:
        return {"success": False, "error": str(error)}
    return {key: result[key] for key in ("success", "total_samples", "successful_samples", "warnings")}


def main() -> None:
    question = json.load(sys.stdin)
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    requests: list[dict[str, Any]] = []
    with redirect_stdout(sys.stderr):
        _record_requests(requests)
        session = import_module("sagemaker.core.helper.session_helper").Session(default_bucket=question["bucket"])
        for number, job in enumerate(question["launches"]):
            _launch(job, f"oracle-{number}", session)  # the SDK adds the second
        verdicts = [_verify(reward) for reward in question["rewards"]]
    json.dump({"requests": requests, "verdicts": verdicts}, sys.stdout)


if __name__ == "__main__":
    main()
