"""Big synthetic output trees, as the evaluation container writes them: what reading results is measured on.

    python benchmarks/_result_tree.py FOLDER 1000000

Every row has a prompt of its own, an answer of 20 tokens with the log probabilities of the 2 likeliest each, the
counters of a classification of 4 labels, two more metrics, and 4 metadata keys. The same rows and seed give the same
bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TIME: Final = "2026-01-02T03-04-05.000006+00-00"
TASK: Final = "custom|gen_qa_gen_qa|0"
LABELS: Final = ("hardware", "software", "network", "access")
TOKENS: Final = 20
_BEFORE: Final = ('{"', "class", '":', ' "')
_AFTER: Final = (
    '",',
    ' "',
    "thought",
    '":',
    ' "',
    "The",
    " user",
    " can't",
    " reach",
    " the",
    " printer",
    " in",
    " hall",
)
_BLOCK: Final = 4096
_COLUMNS: Final = ("example", "full_prompt", "gold", "metrics", "pred_logprobs", "predictions", "specifics")


def write_tree(folder: Path, rows: int, *, seed: int = 0, replicas: int = 1) -> Path:
    """Write a run's folder and return it.

    Args:
        folder: the folder to make.
        rows: how many rows.
        seed: of the random numbers.
        replicas: how many details files share the rows.
    """
    details = folder / "eval_results" / "details" / "model" / TIME
    details.mkdir(parents=True)
    schema = pa.schema([(name, pa.string()) for name in _COLUMNS])
    totals: dict[str, float] = {}
    writers = [
        pq.ParquetWriter(
            details / f"details_{TASK}_{TIME}.parquet"
            if replicas == 1
            else details / f"details_{TASK[:-1]}{index}_{TIME}.parquet",
            schema,
            use_dictionary=False,
            write_statistics=False,
        )
        for index in range(replicas)
    ]
    with (folder / "eval_results" / "inference_output.jsonl").open("w", encoding="utf-8") as inferences:
        for block, columns in enumerate(_blocks(rows, seed, totals)):
            writers[block % replicas].write_table(pa.table(columns, schema))
            inferences.writelines(
                json.dumps({"prompt": prompt, "inference": answer, "gold": gold, "metadata": _metadata_in(specifics)})
                + "\n"
                for prompt, answer, gold, specifics in zip(
                    columns["full_prompt"], columns["predictions"], columns["gold"], columns["specifics"], strict=True
                )
            )
    for writer in writers:
        writer.close()
    values = {f"lambda_{name}": total / rows for name, total in totals.items()}
    document = {"results": {TASK: values, "all": values}, "versions": {TASK: 0}}
    (folder / "eval_results" / f"results_{TIME}.json").write_text(json.dumps(document))
    return folder


def _blocks(rows: int, seed: int, totals: dict[str, float]) -> Iterator[dict[str, list[str]]]:
    rng = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, rows, _BLOCK):
        count = min(_BLOCK, rows - start)
        golds = rng.integers(0, len(LABELS), count)
        correct = rng.random(count) < 0.8
        predicted = np.where(correct, golds, rng.integers(0, len(LABELS), count))
        chosen = -rng.exponential(0.1, (count, TOKENS))
        second = np.log1p(-np.exp(chosen)) - 0.1
        others = rng.random((count, 2))
        segments = rng.integers(0, (6, 3, 4, 5), (count, 4))
        columns: dict[str, list[str]] = {name: [] for name in _COLUMNS}
        for row in range(count):
            _add(columns, start + row, int(golds[row]), int(predicted[row]), others[row], segments[row], totals)
            columns["pred_logprobs"].append(
                _logprobs(LABELS[predicted[row]], start + row, chosen[row].tolist(), second[row].tolist())
            )
        yield columns


def _add(
    columns: dict[str, list[str]],
    index: int,
    gold: int,
    predicted: int,
    others: np.ndarray[tuple[int], np.dtype[np.float64]],
    segments: np.ndarray[tuple[int], np.dtype[np.int64]],
    totals: dict[str, float],
) -> None:
    prompt = f"Ticket {index}: it's the printer in hall {index % 97}, it shows error {index % 1009} since this morning."
    tokens = _tokens(LABELS[predicted], index)
    metrics = {"class.correct": float(gold == predicted)}
    for label, name in enumerate(LABELS):
        metrics[f"class.tp.{name}"] = float(gold == predicted == label)
        metrics[f"class.fp.{name}"] = float(gold != predicted == label)
        metrics[f"class.fn.{name}"] = float(predicted != gold == label)
    metrics |= {"class.unscored": 0.0, "rouge_l": float(others[0]), "brevity": float(others[1])}
    for name, value in metrics.items():
        totals[name] = totals.get(name, 0.0) + value
    metadata = dict(
        zip(("domain", "difficulty", "priority", "channel"), (f"value {value}" for value in segments), strict=True)
    )
    columns["example"].append(prompt)
    columns["full_prompt"].append(repr([{"role": "user", "content": prompt}]))
    columns["gold"].append(json.dumps({"class": LABELS[gold], "thought": "The printer shows an error."}))
    columns["metrics"].append(repr({f"lambda_{name}": value for name, value in metrics.items()}))
    columns["predictions"].append(repr(["".join(tokens)]))
    columns["specifics"].append(repr({"metadata": json.dumps(metadata)}))


def _tokens(label: str, index: int) -> list[str]:
    return [*_BEFORE, label, *_AFTER, f" {index % 90 + 10}", '."}']


def _logprobs(label: str, index: int, chosen: list[float], second: list[float]) -> str:
    other = LABELS[(LABELS.index(label) + 1) % len(LABELS)]
    tokens = _tokens(label, index)
    alternatives = [f"▁{token.strip()}x" for token in tokens]
    alternatives[len(_BEFORE)] = other
    return repr(
        [
            [
                {token: first, alternative: last}
                for token, first, alternative, last in zip(tokens, chosen, alternatives, second, strict=True)
            ]
        ]
    )


def _metadata_in(specifics: str) -> str:
    return specifics.removeprefix("{'metadata': '").removesuffix("'}")


if __name__ == "__main__":
    write_tree(Path(sys.argv[1]), int(sys.argv[2]))
