"""Two runs beside each other: the pairing of their rows, the verdicts, and how often chance gets one."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats
from tests.lab.report.ticket_rows import LABELS, mixed_rows, read_tickets, ticket, write_tickets
from tests.lab.results.result_tree import Row

from evalayer_lab.cli.compare import compare
from evalayer_lab.inputs import InputError
from evalayer_lab.report import Comparison, analyse, compare_runs
from evalayer_lab.report.sections.comparison import compare_scores, judge_all


def rows_with(errors: int, count: int = 200, *, first: int = 0, **options: Any) -> list[Row]:
    """The first rows are wrong."""
    return [
        ticket(first + i, LABELS[i % 3], LABELS[(i + 1) % 3] if i < errors else None, **options) for i in range(count)
    ]


def run_compare(*arguments: object) -> Result:
    return CliRunner().invoke(compare, [str(argument) for argument in arguments], catch_exceptions=False)


def test_rows_are_paired_by_content_in_any_order_and_number_of_files(tmp_path: Path) -> None:
    here, there = mixed_rows(120, seed=1), mixed_rows(120, seed=1)
    random.Random(5).shuffle(there)
    extra = [ticket(9000 + i) for i in range(4)]
    one = compare_runs(read_tickets(tmp_path / "a", here), read_tickets(tmp_path / "b", [*there, *extra], shards=5))
    assert (one.n_paired, one.n_only_this, one.n_only_other) == (len(here), 0, 4)
    for each in one.differences:
        assert (each.difference.value, each.verdict) == (0, "no evidence"), each.metric
        assert each.this == each.other
        assert each.p_value == 1
    assert one.sentence.startswith("No difference: class.correct is ")
    assert one.sentence.endswith(f"alike on each of {one.differences[0].difference.n} paired rows.")


def test_duplicates_are_paired_by_their_ordinal(tmp_path: Path) -> None:
    twice = [ticket(1, "access"), ticket(1, "access", "network"), *rows_with(0, 10, first=100)]
    once = [ticket(1, "access"), *rows_with(0, 10, first=100)]
    found = compare_runs(read_tickets(tmp_path / "a", twice), read_tickets(tmp_path / "b", once))
    assert (found.n_paired, found.n_only_this, found.n_only_other) == (11, 1, 0)


def test_figures_are_those_of_the_paired_rows(tmp_path: Path) -> None:
    a, b = mixed_rows(150, seed=2), mixed_rows(150, seed=2)
    rng = random.Random(3)
    b = [row if rng.random() < 0.8 else other for row, other in zip(b, mixed_rows(150, seed=2), strict=True)]
    for index in rng.sample(range(len(b)), 40):
        flipped = dict(b[index].scores)
        if not flipped["class.unscored"] and flipped["class.correct"]:
            flipped["class.correct"] = 0.0
        flipped["grade"] = 0.1 if not flipped["grade.unscored"] else 0.0
        b[index] = Row(**{**{name: getattr(b[index], name) for name in Row.__dataclass_fields__}, "scores": flipped})
    this, other = read_tickets(tmp_path / "a", a), read_tickets(tmp_path / "b", b)
    found = compare_runs(this, other)
    both = this.to_pandas().merge(other.to_pandas(), on=["key", "ordinal"], suffixes=("", "_b"))
    by_name = {each.metric: each for each in found.differences}
    for name, metric in (("class.correct", "class"), ("grade", "grade"), ("toxic", "toxic")):
        scored = both[(both[f"metric.{metric}.unscored"] == 0) & (both[f"metric.{metric}.unscored_b"] == 0)]
        x, y = scored[f"metric.{name}"], scored[f"metric.{name}_b"]
        mine = by_name[name]
        assert [mine.this, mine.other] == pytest.approx([x.mean(), y.mean()])
        assert mine.difference.value == pytest.approx((x - y).mean())
        assert (mine.difference.n, mine.difference.n_unscored) == (len(scored), len(both) - len(scored))
    scored = both[both["metric.class.unscored"] == 0]
    change = scored["metric.class.correct"] - scored["metric.class.correct_b"]
    gained, lost = (int((change == sign).sum()) for sign in (1, -1))
    correct = by_name["class.correct"]
    assert correct.p_value == pytest.approx(stats.binomtest(gained, gained + lost).pvalue)
    assert found.differences[0] is correct
    corrected = stats.false_discovery_control([each.p_value or 0.0 for each in found.differences])
    assert [each.q_value for each in found.differences] == pytest.approx(corrected.tolist())


@pytest.mark.parametrize(
    ("errors", "options", "verdict", "code", "words"),
    [
        (60, (), "worse", 1, "Worse: class.correct is 0.700 beside 0.900"),
        (0, (), "better", 0, "Better: class.correct is 1.000 beside 0.900, a difference of +0.100"),
        (21, ("--margin", 0.05), "equivalent", 0, "Equivalent within 0.05: class.correct"),
        (23, (), "no evidence", 0, "this many rows would show a difference of"),
        (60, ("--metric", "grade"), "no evidence", 0, "No difference: grade is 0.500 in both"),
        (20, (), "no evidence", 0, "No difference: class.correct is 0.900 in both, alike on each of 200 paired rows."),
    ],
)
def test_verdicts_and_exit_codes(
    tmp_path: Path, errors: int, options: tuple[object, ...], verdict: str, code: int, words: str
) -> None:
    a, b = write_tickets(tmp_path / "a", rows_with(20)), write_tickets(tmp_path / "b", rows_with(errors))
    done = run_compare(a, b, *options, "--json")
    comparison = Comparison.model_validate_json(done.stdout)
    assert words in comparison.sentence
    assert (done.exit_code, comparison.differences[0].verdict, comparison.other.name) == (code, verdict, "a")


def test_the_text_names_both_runs_and_ends_with_the_verdict(tmp_path: Path) -> None:
    a, b = write_tickets(tmp_path / "a", rows_with(20)), write_tickets(tmp_path / "b", rows_with(60))
    done = run_compare(a, b)
    text = "".join(done.stdout.split())
    assert done.exit_code == 1
    assert text.startswith(f"{b}beside{a}")
    assert f"Theotherrunis{a}.200rowsareinboth;0inthisrunonly" in text
    assert text.endswith("over200pairedrows.")


def test_lower_can_be_better(tmp_path: Path) -> None:
    less, more = (write_tickets(tmp_path / name, rows_with(0, toxic=v)) for name, v in (("less", 0.0), ("more", 1.0)))
    assert run_compare(more, less, "--metric", "toxic").exit_code == 0
    done = run_compare(less, more, "--metric", "toxic", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["sentence"].startswith("Worse: toxic is 1.000 beside 0.000, a difference of +1.000")


def test_clusters_widen_the_interval(tmp_path: Path) -> None:
    def rows(errors: int) -> list[Row]:
        return [
            ticket(i, "access", "network" if i // 10 < errors else None, metadata={"book": str(i // 10)})
            for i in range(200)
        ]

    a, b = write_tickets(tmp_path / "a", rows(1)), write_tickets(tmp_path / "b", rows(3))
    alone, together = (
        Comparison.model_validate_json(run_compare(a, b, "--json", *options).stdout).differences[0]
        for options in ((), ("--cluster", "book"))
    )
    assert (alone.test, together.test) == ("mcnemar-exact", "sign-flip-exact")
    assert (alone.verdict, together.verdict) == ("worse", "no evidence")
    assert together.difference.method == "student-t-clustered"
    assert together.sd is not None
    assert alone.sd is not None
    assert together.sd == pytest.approx(alone.sd * 10**0.5, rel=0.05)
    with pytest.raises(InputError, match="no row has the metadata key 'bok'; did you mean book"):
        run_compare(a, b, "--cluster", "bok")


def test_what_cannot_be_compared_is_an_error(tmp_path: Path) -> None:
    a, other = read_tickets(tmp_path / "a", rows_with(3, 30)), read_tickets(tmp_path / "b", rows_with(3, 30, first=500))
    with pytest.raises(InputError, match=r"/b: it has no row in common with .*/a: prompt and gold must be the same"):
        compare_runs(a, other)
    half = read_tickets(tmp_path / "c", rows_with(3, 30, grade=None))
    with pytest.raises(InputError, match=r"/c: it has no score of grade on a row that .*/a scores"):
        compare_runs(a, half, metric="grade")
    with pytest.raises(InputError, match="the metric 'grade' scored no row"):
        compare_runs(half, a, metric="grade")
    assert compare_runs(a, half).differences[0].metric == "class.correct"
    with pytest.raises(InputError, match="it has no score of grade"):
        analyse(a, metric="grade", other=half)


def test_a_report_holds_the_same_comparison(tmp_path: Path) -> None:
    a, b = read_tickets(tmp_path / "a", rows_with(5, 50)), read_tickets(tmp_path / "b", rows_with(9, 50))
    assert analyse(a, other=b, margin=0.3).comparison == compare_runs(a, b, margin=0.3)


def verdict_of(scores: Any, clusters: Any = None) -> str:
    this, other = scores.astype(float)
    (found,) = judge_all([compare_scores("m", this, other, clusters=clusters)])
    return found.verdict


def test_chance_gets_a_verdict_in_at_most_5_percent() -> None:
    """Two runs whose labels are drawn alike: 0/1 and graded metrics, and 0/1 metrics in clusters."""
    rng = np.random.default_rng(0)
    trials = 150
    book = np.repeat(np.arange(12), 8)
    shift = rng.choice([-0.2, 0.2], size=(trials, 2, 12))[:, :, book]
    binary = [verdict_of(rng.random((2, 200)) < 0.7) for _ in range(trials)]
    graded = [verdict_of(rng.choice([0.0, 0.25, 0.5, 1.0], size=(2, 60))) for _ in range(trials)]
    clustered = [verdict_of(rng.random((2, 96)) < 0.7 + each, book) for each in shift]
    ignored = [verdict_of(rng.random((2, 96)) < 0.7 + each) for each in shift]
    called = [trials - verdicts.count("no evidence") for verdicts in (binary, graded, clustered, ignored)]
    at_most = int(stats.binom.ppf(0.999, trials, 0.05))
    assert max(called[:3]) <= at_most
    assert min(called) > 0
    assert called[3] > called[2]


def test_several_metrics_get_a_verdict_by_chance_no_more_often() -> None:
    rng = np.random.default_rng(1)
    trials = 100
    noise = (rng.random((trials, 8, 2, 100)) < 0.6).astype(float)
    compared = [[compare_scores("m", *scores) for scores in trial] for trial in noise]
    wrong = sum(any(each.verdict in {"better", "worse"} for each in judge_all(trial)) for trial in compared)
    assert wrong <= int(stats.binom.ppf(0.999, trials, 0.05))
    real = compare_scores("real", np.ones(100), (np.arange(100) < 50).astype(float))
    assert judge_all([*compared[0], real])[-1].verdict == "better"


def test_a_p_value_is_corrected_for_the_number_of_metrics() -> None:
    """8 rows gained and 1 lost give p = 0.039: enough for one metric, and not for one of three."""
    this, other = np.repeat([1.0, 0.0], [8, 92]), np.repeat([0.0, 1.0, 0.0], [8, 1, 91])
    found = compare_scores("found", this, other)
    even = compare_scores("even", other, other)
    assert [each.verdict for each in judge_all([found])] == ["better"]
    assert [each.verdict for each in judge_all([found, even, even])] == ["no evidence"] * 3
    sentence = judge_all([found, even, even])[0].sentence
    assert "interval +0.006 to +0.131) over 100 paired rows; the corrected p-value is 0.117; this many rows" in sentence
    stricter = compare_scores("found", this, other, level=0.97)
    assert [each.verdict for each in judge_all([stricter])] == ["no evidence"]


def test_a_small_difference_is_not_written_as_none() -> None:
    this, other = np.repeat([1.0, 0.0], [900_200, 99_800]), np.repeat([1.0, 0.0], [900_000, 100_000])
    (found,) = judge_all([compare_scores("m", this, other)])
    assert found.sentence.startswith("Better: m is 0.900 beside 0.900, a difference of +0.00020 (95% interval +0.00017")
