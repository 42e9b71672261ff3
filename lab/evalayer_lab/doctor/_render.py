"""The report as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from evalayer_lab.doctor._report import Finding, Report

_STYLES = {"error": "bold red", "warning": "yellow"}


def render(report: Report, console: Console) -> None:
    """Print a report: errors, warnings, what could not be checked, and the count."""
    console.print(Text(f"examined {', '.join(report.examined)}"), soft_wrap=True)
    for finding in report.findings:
        _finding(finding, console)
    if report.skipped:
        console.print("\nnot checked")
        for skipped in report.skipped:
            console.print(Text(f"  {skipped.check}: {skipped.reason}"), soft_wrap=True)
    warnings = len(report.findings) - report.errors
    counts = [_count(report.errors, "error"), _count(warnings, "warning")]
    nothing = "nothing found in what was checked" if report.skipped else "nothing found"
    console.print(f"\n{' and '.join(counts) if report.findings else nothing}")


def to_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON values, with the fields of its records."""
    return asdict(report)


def _finding(finding: Finding, console: Console) -> None:
    head = Text("\n").append(finding.severity, _STYLES[finding.severity]).append(f" {finding.code}  {finding.subject}")
    console.print(head, soft_wrap=True)
    console.print(Text(f"  {finding.message}"), soft_wrap=True)
    console.print(Text(f"  fix: {finding.fix}"), soft_wrap=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
