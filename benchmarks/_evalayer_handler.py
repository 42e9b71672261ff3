"""Two plain metrics on evalayer."""

from evalayer import Completion, Sample, Score, Task, build_lambda_handler, metric


@metric
def exact(completion: Completion) -> Score:
    return completion.inference_output == completion.gold


@metric
def length_ratio(completion: Completion) -> Score:
    return len(completion.inference_output) / max(len(completion.gold), 1)


task = Task("benchmark", metrics=[exact, length_ratio])


@task.preprocess
def be_brief(sample: Sample) -> Sample:
    return Sample(sample.prompt, sample.gold, "Be brief.")


lambda_handler = build_lambda_handler(task)
