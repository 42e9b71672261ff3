"""What a report says, as data: the terminal summary, the HTML file and `report --json` all show this one document."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from evalayer_lab.statistics import Estimate, ReliabilityBin


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @classmethod
    def of(cls, record: object, **others: Any) -> Self:
        """Take the fields that a record has under the same names, and others."""
        shared = {name: getattr(record, name) for name in cls.model_fields if hasattr(record, name)}
        return cls(**shared | others)


class Run(_Part):
    """Where the rows come from."""

    name: str
    folder: str
    """The folder that holds the run."""
    started: str | None = None
    """ISO 8601."""
    evalayer: str | None = None
    """The version that ran it."""
    task: str | None = None
    backend: str | None = None
    aggregation: str | None = None
    digest: str
    """A digest of prompts and golds: the same for runs on the same rows, in any order and packing."""


class Rows(_Part):
    """What happened to the rows. Null where the output does not say."""

    expected: int | None = None
    """Rows of the dataset: of the one that was given, without broken ones, else as the run counted them, with these."""
    read: int | None = None
    bad: int | None = None
    """Rows left out because their line is broken."""
    failed: int | None = None
    """Rows on which the model or the Lambda function failed."""
    scored: int
    """Rows with metrics: all that follows is based on these."""
    unparseable: int | None = None
    """Scored rows whose answer is not the JSON object that was asked for; null where the task does not ask for one."""


class Join(_Part):
    """How the files of the output were brought together, by content and never by position."""

    missing: int = 0
    """Rows of one file with no partner in another."""
    duplicate: int = 0
    """Rows with the same content as an earlier one; they are distinguished by their order."""
    ambiguous: int = 0
    """Duplicates that match different dataset rows, so that which belongs to which cannot be known."""
    without_metadata: int = 0
    unread_metadata: int = 0
    """Rows whose metadata is not a JSON object."""
    without_logprobs: int = 0
    problems: tuple[str, ...] = ()
    """The first of these rows, one sentence each."""


class Metric(_Part):
    """One reported value of a metric."""

    name: str
    metric: str
    part: str | None = None
    """The part of the metric; null if the metric reports one number."""
    higher_is_better: bool | None = None
    estimate: Estimate
    """The mean over the scored rows."""
    worst: float | None = None
    """The mean if every unscored row had scored the worse of 0 and 1."""
    best: float | None = None
    """The same with the better of 0 and 1."""
    reported: float | None = None
    """The folded value as the job reports it."""


class Label(_Part):
    """One class of a classification."""

    label: str
    gold: int
    """Rows with this gold label."""
    predicted: int
    """Rows for which it was predicted."""
    precision: Estimate
    recall: Estimate
    f1: Estimate


class Classification(_Part):
    """One classification: every figure exact for the whole dataset."""

    metric: str
    figures: dict[str, Estimate]
    """`accuracy`, `balanced_accuracy`, `f1_macro`, `f1_weighted`, `mcc`, `kappa`, …"""
    labels: tuple[Label, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows by gold label, then by predicted label; the last column counts predictions that are not among the labels."""
    n_left_out: int = 0
    """Rows that name no single gold label."""


class RiskPoint(_Part):
    """The share of errors among the most confident rows."""

    coverage: float
    risk: float
    threshold: float
    """Rows with at least this confidence are covered."""


class Gate(_Part):
    """A confidence above which answers can be used without review."""

    max_risk: float
    level: float
    threshold: float | None
    """Rows with a confidence above it pass. Null if no threshold keeps the promise; `sentence` says why."""
    coverage: float
    """The share of rows that pass, of the rows with a confidence."""
    n_accepted: int
    n_errors: int
    risk_upper: float | None
    """Upper limit of the error rate above the threshold, at `level`."""
    sentence: str


class Histogram(_Part):
    """Rows by confidence and correctness."""

    edges: tuple[float, ...]
    """One more than there are bins."""
    correct: tuple[int, ...]
    wrong: tuple[int, ...]


class Recalibration(_Part):
    """A map from confidence to probability, and what it does on rows that its fit did not see."""

    method: Literal["temperature", "platt", "isotonic"]
    calibration_error: float | None
    """Expected calibration error after it."""
    log_loss: float | None
    parameters: dict[str, float] = {}


class Quadrant(_Part):
    """Rows by confidence and correctness."""

    name: Literal["critical", "overconfident", "conservative", "sound"]
    meaning: str
    rows: int
    share: float


class Confidence(_Part):
    """What the token log probabilities of the answers say of their correctness."""

    kind: str
    """How a row's confidence was taken from its tokens."""
    correctness: str
    """The metric that says whether a row is correct."""
    n: int
    """Rows with both a confidence and a verdict: all that follows is based on these."""
    missing: dict[str, int]
    """The other rows, by reason."""
    mean: float | None
    accuracy: Estimate
    """On the rows that have a confidence."""
    expected_calibration_error: Estimate
    maximum_calibration_error: Estimate
    debiased_l2_calibration_error: Estimate
    brier_score: Estimate
    reliability: float | None
    resolution: float | None
    uncertainty: float | None
    log_loss: float | None
    auroc: Estimate
    """The chance that a correct row has a higher confidence than a wrong one."""
    aurc: float | None
    excess_aurc: float | None
    bins: tuple[ReliabilityBin, ...]
    risk_coverage: tuple[RiskPoint, ...]
    """Thinned to at most a few hundred points."""
    gate: Gate
    histogram: Histogram
    recalibrations: tuple[Recalibration, ...]
    quadrants: tuple[Quadrant, ...]
    generated_is_largest: int
    """Rows in which every generated token of the label was the most probable one reported."""
    generated_is_not_largest: int
    widest_bounds: float | None
    """The largest probability mass that top-k truncation hides from a row's label; null where nothing is hidden."""


class Segment(_Part):
    """The rows that share one value of one metadata key, or of two."""

    conditions: dict[str, str]
    rows: int
    estimate: Estimate
    mean_confidence: float | None = None
    calibration_gap: float | None = None
    """Mean confidence minus accuracy, on the rows with both."""
    quadrant: str | None = None
    stands_out: bool = False


class Segments(_Part):
    """One metric by metadata."""

    metric: str
    higher_is_better: bool
    whole: Estimate
    min_rows: int
    """Segments with fewer scored rows are counted in `too_small` only."""
    too_small: int
    ranked: tuple[Segment, ...]
    """Weakest first, by the end of the interval that flatters them; at most the first 100."""
    n_ranked: int


class HeatMap(_Part):
    """A metric by two metadata keys."""

    metric: str
    higher_is_better: bool
    row_key: str
    column_key: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Estimate | None, ...], ...]
    """Null where there is no row."""


class Slice(_Part):
    """A conjunction of metadata values on which the metric is weaker than elsewhere."""

    conditions: dict[str, str]
    rows: int
    estimate: Estimate
    shrunk: float
    """The mean shrunk towards the whole (empirical Bayes)."""
    p_value: float
    q_value: float
    """The p-value corrected for all slices searched (Benjamini and Hochberg)."""
    share_of_errors: float | None
    """Null for a metric with values outside of 0 to 1."""


class Slices(_Part):
    """The search for failing slices."""

    metric: str
    searched: int
    min_rows: int
    level: float
    """The share of false findings allowed."""
    found: tuple[Slice, ...]
    sentence: str


class ErrorKind(_Part):
    """One way in which answers are wrong."""

    kind: str
    meaning: str
    rows: int
    share: Estimate
    """Of the rows that are right or wrong."""


class Hedging(_Part):
    """Words of doubt in wrong and in correct answers."""

    wrong: Estimate
    correct: Estimate
    commonest: dict[str, int]
    """Rows by word, the most frequent first."""


class Token(_Part):
    """One generated token."""

    text: str
    probability: float | None
    in_label: bool


class Example(_Part):
    """A row to read."""

    id: str
    why: str
    correct: bool | None
    confidence: float | None
    gold_label: str | None = None
    """Null where the label is the whole text and not a known label, and texts were not asked for."""
    predicted_label: str | None = None
    metadata: dict[str, str] = {}
    """Of the keys that tell segments apart."""
    prompt: str | None = None
    """Null where texts were not asked for; long texts are cut."""
    answer: str | None = None
    gold: str | None = None
    tokens: tuple[Token, ...] = ()


class Finding(_Part):
    """Something to act on."""

    kind: str
    sentence: str
    next_step: str
    rows: int
    examples: tuple[str, ...] = ()
    """Ids of `examples`."""


class Difference(_Part):
    """One metric of two runs on the same rows."""

    metric: str
    higher_is_better: bool | None
    this: float | None
    other: float | None
    difference: Estimate
    """This run minus the other, over the paired rows."""
    p_value: float | None
    q_value: float | None
    """Corrected for the number of metrics compared (Benjamini and Hochberg)."""
    test: str
    sd: float | None
    """Standard deviation of a row's difference, times the root of the design effect where there are clusters."""
    smallest_detectable: float | None
    """The smallest difference that this many rows show with a power of 0.8; null where no row differs."""
    verdict: Literal["better", "worse", "equivalent", "no evidence"]
    sentence: str


class Comparison(_Part):
    """This run compared with another one, row by row."""

    other: Run
    n_paired: int
    n_only_this: int
    n_only_other: int
    margin: float | None
    """Differences within it count as equivalent."""
    differences: tuple[Difference, ...]
    sentence: str


class Document(_Part):
    """A report."""

    schema_version: Literal[1] = 1
    evalayer: str
    """The version that made this report."""
    run: Run
    rows: Rows
    join: Join
    failures: dict[str, int] = {}
    """Failed rows by kind."""
    unscored: dict[str, dict[str, int]] = {}
    """By metric, the rows that it did not score, by reason."""
    metrics: tuple[Metric, ...]
    decoded: dict[str, float | None] = {}
    """The values of corpus metrics, by reported name."""
    classifications: tuple[Classification, ...] = ()
    correctness: str | None = None
    """The metric that says which answers are wrong; null if none is 0 or 1 on every row."""
    confidence: Confidence | None = None
    no_confidence: str | None = None
    """Why there is no `confidence`, and how to get one."""
    segments: Segments | None = None
    heat_map: HeatMap | None = None
    slices: Slices | None = None
    error_kinds: tuple[ErrorKind, ...] = ()
    hedging: Hedging | None = None
    findings: tuple[Finding, ...] = ()
    """The most pressing first."""
    examples: tuple[Example, ...] = ()
    comparison: Comparison | None = None
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know of the numbers."""
    next_step: str | None = None
    methods: dict[str, str] = {}
    """How each number was computed: by the name that estimates give as their method, and by section."""
