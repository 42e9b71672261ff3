"""What a report on support tickets says in words: where it comes from, findings, examples, verdicts."""

import math
from typing import Any

from tests.lab.report.estimates import share

from evalayer_lab.report import Comparison, Estimate
from evalayer_lab.report._document import Difference, ErrorKind, Example, Finding, Run, Token

PROMPT = (
    "From: Declan Farouk\nSubject: payments approval, URGENT\n\nI am second approver for the 15:00 batch. The bank "
    'portal opens, I see the batch, but the Approve button has been replaced by "View only". My profile still says '
    "Approver L2. Nobody else at L2 is in the office."
)
ANSWER = (
    '{"class": "software", "thought": "The Approve button is missing, which perhaps points to a fault of the portal.", '
    '"description": "The approve button of the bank portal shows View only."}'
)


def origin(name: str) -> Run:
    return Run(
        name=name,
        folder=f"output/{name}",
        started="2026-01-02T03:04:05.000006+00:00",
        evalayer="0.2.0",
        task="support_tickets",
        backend="sagemaker",
        aggregation="average",
        digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    )


def error_kinds(n: int) -> tuple[ErrorKind, ...]:
    """Ways in which answers are wrong."""
    kinds = (
        ("wrong_content", "Valid JSON with another label than the gold one.", 0.142),
        ("schema_violation: enum", "The class is none of those allowed.", 0.024),
        ("not_json", "No JSON object can be read from the answer.", 0.018),
        ("too_long", "A description longer than the schema allows.", 0.009),
    )
    return tuple(
        ErrorKind(kind=kind, meaning=meaning, rows=int(n * p), share=share(int(n * p), n)) for kind, meaning, p in kinds
    )


def findings(n: int) -> tuple[Finding, ...]:
    return (
        Finding(
            kind="failing_segment",
            sentence="Hard tickets are labelled right less often than the rest: 0.629 on 70 rows, 0.825 on all.",
            next_step="Read these rows and add hard tickets to the training data before choosing this model.",
            rows=26,
            examples=("row-41", "row-107"),
        ),
        Finding(
            kind="overconfident_failures",
            sentence="14 wrong answers have a confidence above 0.9, most of them access taken for software.",
            next_step="Define where access ends and software begins in the system prompt, with one example each.",
            rows=14,
            examples=("row-107", "row-163"),
        ),
        Finding(
            kind="calibration",
            sentence="Confidence is 6 points too high on average; one temperature halves the gap.",
            next_step="Route by the recalibrated confidence: `evalayer gate output/support_tickets --max-risk 0.05`.",
            rows=n,
        ),
    )


def _label_tokens(*probabilities: float) -> tuple[Token, ...]:
    before = [Token(text=text, probability=0.999, in_label=False) for text in ('{"', "class", '":', ' "')]
    pieces = ("soft", "ware") if len(probabilities) == 2 else ("network",)
    label = [Token(text=text, probability=p, in_label=True) for text, p in zip(pieces, probabilities, strict=True)]
    after = [
        Token(text=text, probability=0.98, in_label=False)
        for text in ('",', ' "', "thought", '":', ' "The', " Approve", " button")
    ]
    return (*before, *label, *after)


def examples(*, texts: bool) -> tuple[Example, ...]:
    metadata = {"priority": "high", "category": "incident", "difficulty": "hard", "domain": "finance"}
    given: dict[str, Any] = {"prompt": PROMPT, "answer": ANSWER, "gold": '{"class": "access"}'} if texts else {}
    return (
        Example(
            id="row-41",
            why="A hard ticket with the lowest confidence among the wrong ones.",
            correct=False,
            confidence=0.312,
            gold_label="access",
            predicted_label="software",
            metadata=metadata,
            tokens=_label_tokens(0.402, 0.776),
            **given,
        ),
        Example(
            id="row-107",
            why="Wrong with one of the highest confidences.",
            correct=False,
            confidence=0.981,
            gold_label="access",
            predicted_label="software",
            metadata=metadata,
            tokens=_label_tokens(0.983, 0.998),
            **given,
        ),
        Example(
            id="row-163",
            why="Wrong with a high confidence.",
            correct=None,
            confidence=None,
            gold_label="network",
            metadata={},
            **given,
        ),
        Example(
            id="row-7",
            why="Right, but hardly sure.",
            correct=True,
            confidence=0.514,
            gold_label="network",
            predicted_label="network",
            metadata={"priority": "low"},
            tokens=_label_tokens(0.514),
        ),
    )


def comparison(n: int) -> Comparison:
    def difference(metric: str, this: float, other: float, half: float, verdict: Any, sentence: str) -> Difference:
        half = half * math.sqrt(218 / n)
        gap = this - other
        return Difference(
            metric=metric,
            higher_is_better=True,
            this=this,
            other=other,
            difference=Estimate(value=gap, low=gap - half, high=gap + half, method="paired", n=n),
            p_value=0.012 if verdict in {"better", "worse"} else 0.41,
            q_value=0.036 if verdict in {"better", "worse"} else 0.52,
            test="exact McNemar",
            smallest_detectable=half * 1.43,
            sd=half * math.sqrt(n) / 1.96,
            verdict=verdict,
            sentence=sentence,
        )

    return Comparison(
        other=origin("support_tickets_baseline"),
        n_paired=n,
        n_only_this=0,
        n_only_other=2,
        margin=0.02,
        differences=(
            difference(
                "class.correct", 0.825, 0.761, 0.047, "better", "This run is better by 0.064, on the same 218 rows."
            ),
            difference(
                "reasoning_coherence",
                0.713,
                0.706,
                0.009,
                "equivalent",
                "The difference is within the margin of 0.020.",
            ),
            difference(
                "rouge_l",
                0.482,
                0.491,
                0.031,
                "no evidence",
                "Neither is shown to be better; 218 rows could have shown 0.044.",
            ),
            difference("schema_adherence", 0.955, 0.995, 0.029, "worse", "This run is worse by 0.040."),
            difference("answer_length", 212.4, 180.2, 9.0, "worse", "This run's answers are longer by 32.2."),
        ),
        sentence="This run labels more tickets right than support_tickets_baseline, and follows the schema less often.",
    )
