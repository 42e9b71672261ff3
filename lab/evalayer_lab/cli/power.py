"""`evalayer power`."""

from __future__ import annotations

import json
from typing import Final

import click

from evalayer_lab.cli._console import POSITIVE, SHARE
from evalayer_lab.cli._results import read

_RATES: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
_KEYS: Final = ("discordant", "sd", "rows", "difference")


@click.command()
@click.option("--difference", type=POSITIVE, help="The difference to detect, such as 0.03.")
@click.option("--rows", type=click.IntRange(min=2, max=10**12), help="How many rows there are.")
@click.option("--discordant", type=SHARE, help="The share of rows on which one run is right and the other wrong.")
@click.option("--sd", type=POSITIVE, help="The standard deviation of a row's difference.")
@click.option("--runs", nargs=2, metavar="A B", help="Two runs on the same rows, to take the standard deviation from.")
@click.option("--metric", metavar="NAME", help="With --runs: the metric.  [default: a classification, else the first]")
@click.option("--power", "wanted", type=SHARE, default=0.8, show_default=True, help="The chance of detecting it.")
@click.option("--alpha", type=SHARE, default=0.05, show_default=True, help="The chance of a false alarm.")
@click.option("--json", "as_json", is_flag=True, help="Print [{discordant, sd, rows, difference}].")
def power(
    difference: float | None,
    rows: int | None,
    discordant: float | None,
    sd: float | None,
    runs: tuple[str, str] | None,
    metric: str | None,
    wanted: float,
    alpha: float,
    as_json: bool,
) -> None:
    """Say how many rows a difference between two runs takes, or what difference rows can show.

    Give --difference or --rows. Two runs on the same rows differ by less than two runs on different rows; by how much
    depends on the share of rows on which only one of them is right. Without it, a table of several shares is printed.

    \b
    Examples:
      evalayer power --difference 0.03
      evalayer power --rows 220 --discordant 0.1
      evalayer power --difference 0.03 --runs output/baseline output/candidate
    """
    if (difference is None) == (rows is None):
        raise click.UsageError("give --difference, to learn the rows it takes, or --rows, to learn what they can show")
    if sum(each is not None for each in (discordant, sd, runs)) > 1:
        raise click.UsageError("give one of --discordant, --sd and --runs")
    if metric is not None and runs is None:
        raise click.UsageError("--metric names a metric of two runs: give --runs A B with it")
    if runs is not None:
        sd = _read_sd(*runs, metric)
    try:
        lines = _lines(difference, rows, discordant, sd, wanted, alpha)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps([dict(zip(_KEYS, line, strict=True)) for line in lines], indent=2))
        return
    for share, spread, n, shown in lines:
        if share is None:
            condition = f"where a row's difference has a standard deviation of {spread:.3g}"
        else:
            condition = f"where {100 * share:g}% of the rows differ"
        if shown is None:
            click.echo(f"{n:,} rows are too few to show any difference {condition}")
        elif rows is None:
            click.echo(f"{n:>9,} rows show a difference of {shown:g} {condition}")
        else:
            click.echo(f"{n:,} rows show a difference of {shown:.4f} {condition}")
    click.echo(f"Paired rows, power {wanted:g}, two-sided at {alpha:g}.")


def _read_sd(a: str, b: str, metric: str | None) -> float:
    from evalayer_lab.report import compare_runs

    sd = compare_runs(read(b), read(a), metric=metric).differences[0].sd
    if sd is None:
        raise click.UsageError("the two runs share too few rows to tell how much a row differs")
    if sd == 0:
        raise click.UsageError("the two runs score each row alike, so they do not tell how much a row differs")
    return sd


def _lines(
    difference: float | None, rows: int | None, discordant: float | None, sd: float | None, power: float, alpha: float
) -> list[tuple[float | None, float, int, float | None]]:
    """The values of `_KEYS`, line by line; no difference where runs that differ on so few rows cannot show one."""
    from evalayer_lab.statistics import sample_size, sd_of_zero_one_differences, smallest_detectable_difference

    def line(rate: float | None) -> tuple[float | None, float, int, float | None]:
        spread = sd if sd is not None else sd_of_zero_one_differences(rate or 0.0, difference or 0.0)
        if difference is not None:
            return (rate, spread, sample_size(difference, spread, power=power, alpha=alpha), difference)
        smallest = smallest_detectable_difference(rows or 0, spread, power=power, alpha=alpha)
        return (rate, spread, rows or 0, smallest if rate is None or smallest <= rate else None)

    if sd is not None:
        return [line(None)]
    # Runs that disagree on a share of the rows cannot differ by more.
    rates = [rate for rate in ((discordant,) if discordant else _RATES) if (difference or 0.0) < rate]
    if not rates:
        raise ValueError(f"runs that disagree on {discordant or max(_RATES):g} of the rows cannot differ by more")
    return [line(rate) for rate in rates]
