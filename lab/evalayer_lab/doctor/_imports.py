"""The handler, imported as Lambda would: does it work, how long does it take, and what takes it."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from packaging.utils import canonicalize_name

from evalayer_lab.doctor import _probe
from evalayer_lab.doctor._handler import ON_LAMBDA, judge_failure
from evalayer_lab.doctor._packages import applies
from evalayer_lab.doctor._powertools import brought_by_powertools
from evalayer_lab.doctor._report import not_checked
from evalayer_lab.function import Runtime, Target, architecture_of, as_folder, marker_environment, unloadable
from evalayer_lab.inputs import Finding, Place

BUDGET: Final = 15.0  # boto3 takes 9 times what Python itself takes to start, scikit-learn 45 times
_SECONDS: Final = 60
_MEASURED: Final = 3
_CLOSER_LOOK: Final = 1 / 3  # of the budget: the start of a Python whose library is not compiled takes longer
_LARGEST: Final = 5
_TIME: Final = re.compile(r"import time:\s*([0-9]+) \|\s*[0-9]+ \|\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Imported:
    """What importing a handler showed.

    Attributes:
        findings: what is wrong with it, or why it could not be checked.
        aggregation: the aggregation that the handler was built for; None if that is not known.
        corpus_metrics: the names of its task's corpus metrics; None if they are not known.
    """

    findings: Sequence[Finding]
    aggregation: str | None = None
    corpus_metrics: Sequence[str] | None = None


def import_handler(target: Target, budget: float = BUDGET) -> Imported:
    """Import the handler in a new process of this Python, with only the function and its layers on the search path.

    What an import costs is processor time, beside that of the same process until then, the start of Python and a few
    modules of its library: a slower machine, or a busy one, gives the same verdict.

    Args:
        target: the function; its handler is known, and is in it.
        budget: how many times what Python itself takes to start an import may take before it is worth a warning.
    """
    check = f"importing {target.handler} of {target.name}"
    stand_ins = _stand_ins(target)
    with TemporaryDirectory(prefix="evalayer-doctor-") as folder:
        paths = _search_path(target, Path(folder))
        run = partial(_run, target, stand_ins, paths, Path(folder))
        outcome, times = run("-B")
        if outcome is None:
            return Imported([not_checked(check, f"it did not end within {_SECONDS} seconds, or ended the process")])
        if "error" in outcome:
            return Imported([judge_failure(check, target, outcome, paths, {*chain(*stand_ins.values())})])
        cost = _cost(outcome)
        if cost > budget * _CLOSER_LOOK:  # perhaps because it had to be compiled, which is done before a deployment
            compiled = ("-X", f"pycache_prefix={folder}/compiled")
            _, *measured = [run(*compiled) for _ in range(_MEASURED)]
            cost, times = min(
                ((_cost(again), times) for again, times in measured if again and "error" not in again),
                key=lambda one: one[0],
                default=(cost, times),
            )
    slow = _slow(target, cost, times, outcome["stand_ins"], budget)
    return Imported(slow, outcome.get("aggregation"), outcome.get("corpus_metrics"))


def _cost(outcome: dict[str, Any]) -> float:
    return float(outcome["seconds"] / outcome["start_seconds"])


def _search_path(target: Target, folder: Path) -> list[str]:
    folders = {artefact.tree.path: as_folder(artefact.tree, folder) for artefact in target.artefacts}
    return [str(folders[entry.artefact.tree.path] / entry.prefix) for entry in target.entries]


def _slow(target: Target, cost: float, times: Counter[str], used: Sequence[str], budget: float) -> list[Finding]:
    if cost <= budget:
        return []
    top = ", ".join(f"{name} {time / times.total():.0%}" for name, time in times.most_common(_LARGEST))
    aside = f" (with {', '.join(used)} of this environment)" if used else ""
    reason = (
        f"importing {target.handler} takes {cost:.0f} times what Python itself takes to start{aside}, "
        f"more than {budget:g} times. Most of it: {top}"
    )
    fix = "import what is slow inside the function that needs it, or leave it out"
    return [Finding("import-time", "warning", Place(field=target.name), reason, fix)]


def _run(
    target: Target, stand_ins: Mapping[str, list[str]], paths: list[str], folder: Path, *options: str
) -> tuple[dict[str, Any] | None, Counter[str]]:
    """Import once; return what the probe wrote, and microseconds by top-level module."""
    module, _, name = (target.handler or "").replace("/", ".").rpartition(".")
    config, result = folder / "config.json", folder / "result.json"
    result.unlink(missing_ok=True)
    packages = [entry for entry in sys.path if entry.endswith("-packages")]
    described = {"module": module, "name": name, "path": paths, "packages": packages, **stand_ins}
    config.write_text(json.dumps(described), encoding="utf-8")
    try:
        done = subprocess.run(  # noqa: S603 (this Python, on the user's own handler)
            [sys.executable, "-I", "-S", "-X", "importtime", *options, _probe.__file__, str(config), str(result)],
            cwd=folder,
            env=_environment(target, paths[0]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_SECONDS,
            check=False,
        )
        outcome = json.loads(result.read_text(encoding="utf-8"))
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return None, Counter()
    return outcome, _times(done.stderr.decode("utf-8", "replace"))


def _times(printed: str) -> Counter[str]:
    times: Counter[str] = Counter()
    for line in printed.partition(_probe.START)[2].partition(_probe.END)[0].splitlines():
        found = _TIME.match(line)
        if found:
            times[found[2].partition(".")[0]] += int(found[1])
    return times


def _environment(target: Target, task_root: str) -> dict[str, str]:
    """Return what Lambda and the template set; nothing of the doctor's own, which may hold credentials."""
    region = target.region or "us-east-1"
    lambda_sets = {
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": target.name,
        "LAMBDA_TASK_ROOT": task_root,
        "PATH": os.defpath,
    }
    known = {name: value for name, value in (target.environment or {}).items() if "\0" not in name + value and name}
    return {**lambda_sets, **known}


def _stand_ins(target: Target) -> Mapping[str, list[str]]:
    """Name the packages that the importing Python takes from the doctor's own environment.

    `instead` are those of the layers that are compiled for another machine or Python, `if_missing` those that Lambda, a
    Powertools layer or another version of Python would bring.
    """
    here = Runtime(sys.version_info.minor)
    machine = architecture_of(platform.machine())
    instead = {
        shared.name.partition("/")[0].partition(".")[0]
        for entry in target.entries
        for shared in unloadable(entry, machine, here.minor)
    }
    if_missing = ON_LAMBDA | _only_needed_here(target, here) | brought_by_powertools(target)
    return {"instead": sorted(instead), "if_missing": sorted(if_missing)}


def _only_needed_here(target: Target, here: Runtime) -> set[str]:
    """Name the packages that distributions need under this version of Python, and not under the runtime's."""
    if here == target.runtime:
        return set()
    there_environment = marker_environment(target.runtime, target.architecture)
    here_environment = marker_environment(here, target.architecture)
    needed = {
        canonicalize_name(requirement.name)
        for entry in target.entries
        for distribution in entry.distributions
        for requirement in distribution.requirements
        if applies(requirement, here_environment) and not applies(requirement, there_environment)
    }
    offers = packages_distributions() if needed else {}
    named_alike = {name.replace("-", "_") for name in needed}  # what is not installed here is not among the offers
    return named_alike | {top for top, names in offers.items() if needed & {canonicalize_name(name) for name in names}}
