from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.lab.doctor.project import APP, Project, elf, install, zipped

from evalayer_lab.doctor import examine
from evalayer_lab.inputs import Place

HERE = f"python3.{sys.version_info.minor}"


def on_this_python(project: Project) -> None:
    """Make the project's runtime the Python of the tests, so that a failing import is certain."""
    text = project.template.read_text().replace("python3.13", HERE).replace("python313", HERE.replace(".", ""))
    project.template.write_text(text)
    (project.python / "quick" / "_quick.cpython-313-aarch64-linux-gnu.so").unlink()
    install(project.python, "quick", "1.0")


@pytest.mark.parametrize(
    ("handler", "code", "said"),
    [
        ("apq.lambda_handler", "handler-missing", "did you mean app.py?"),
        ("other.lambda_handler", "handler-missing", "neither the function nor its layers contain other.py"),
        ("lambda_handler", "handler-missing", "does not name a function"),
        ("app.lambda_handlr", "handler-attribute", "did you mean lambda_handler?"),
    ],
)
def test_a_handler_that_is_not_there(project: Project, handler: str, code: str, said: str) -> None:
    project.edit("Handler: app.lambda_handler", f"Handler: {handler}")
    finding = project.only()
    assert (finding.code, finding.severity) == (code, "error")
    assert said in finding.reason


@pytest.mark.parametrize(
    "source",
    [
        "def lambda_handler(event, context): ...",
        "try:\n    from fast import lambda_handler\nexcept ImportError:\n    lambda_handler = print",
        "if True:\n    lambda_handler = print",
        "with open(__file__) as lambda_handler:\n    lambda_handler = print",
        "(a, [lambda_handler, *b]) = 1, [print]",
        "for lambda_handler in [print]: ...",
        "from functools import *\nfrom builtins import print as lambda_handler",
        "globals()['lambda_handler'] = print\ndef __getattr__(name): raise AttributeError(name)",
    ],
)
def test_a_handler_may_be_bound_in_any_way(project: Project, source: str) -> None:
    (project.function / "app.py").write_text(source)
    assert project.found() == []


@pytest.mark.parametrize("source", ["def f():\n    lambda_handler = 1", "f = lambda lambda_handler: 1", ""])
def test_a_name_within_a_function_is_no_handler(project: Project, source: str) -> None:
    (project.function / "app.py").write_text(source)
    assert project.only().code == "handler-attribute"


def test_a_handler_in_a_package_and_with_a_slash(project: Project) -> None:
    (project.function / "tasks").mkdir()
    (project.function / "tasks" / "tickets.py").write_text(APP)
    project.edit("Handler: app.lambda_handler", "Handler: tasks/tickets.lambda_handler")
    assert project.examine().findings == []


def test_a_file_that_is_not_python(project: Project) -> None:
    on_this_python(project)
    (project.function / "app.py").write_text("def lambda_handler(:\n")
    assert (project.only().code, project.only().severity) == ("handler-syntax", "error")
    assert project.only().place == Place(f"{project.function}/app.py", 1)
    (project.function / "app.py").write_bytes(b"lambda_handler = 1\0")
    assert project.only().code == "handler-syntax"


def test_a_task_that_evalayer_refuses_is_certain_on_every_python(project: Project) -> None:
    project.edit("Default: average", "Default: max")
    finding = project.only()
    assert (finding.code, finding.severity) == ("handler-import", "error")
    assert "IllegalAggregation: class cannot be aggregated with max" in finding.reason


POWERTOOLS = "        - !Sub arn:aws:lambda:${AWS::Region}:017000801446:layer:${Powertools}:18\n"
OTHER_LAYER = "        - arn:aws:lambda:us-east-1:111122223333:layer:others:1\n"
OWN_HANDLER = """\
import os
from importlib import import_module
import aws_lambda_powertools
lambda_handler = import_module(os.environ.get("EVALAYER_TASK") or "support_tickets").lambda_handler
"""


def shipped_alike(project: Project, task: str) -> None:
    """Let the handler import the task that a variable names, with Powertools from a layer that cannot be seen."""
    (project.function / "app.py").write_text(OWN_HANDLER)
    (project.function / "support_tickets.py").write_text("from _powertools import lambda_handler\n")
    (project.function / "_powertools.py").write_text(APP.replace('"tickets"', '"support_tickets"'))
    project.edit(
        "          EVALAYER_AGGREGATION: !Ref Aggregation\n",
        "          EVALAYER_AGGREGATION: !Ref Aggregation\n          EVALAYER_TASK: !Ref Task\n",
    )
    project.edit("Parameters:\n", f"Parameters:\n  Task: {{Type: String, Default: {task}}}\n")


def test_a_handler_with_a_task_and_powertools_has_no_finding(project: Project) -> None:
    shipped_alike(project, "support_tickets")
    assert project.examine().findings == []


@pytest.mark.parametrize(
    ("task", "said"), [("suport_ticket", "did you mean support_tickets?"), ("refunds", "the function has: ")]
)
def test_a_task_without_its_module(project: Project, task: str, said: str) -> None:
    shipped_alike(project, task)
    finding = project.only()
    assert (finding.code, finding.severity) == ("handler-task", "error")
    assert f"EVALAYER_TASK is {task!r}, but neither the function nor its layers contain {task}.py" in finding.reason
    assert said in finding.reason
    assert finding.fix


def test_a_task_of_samconfig_without_its_module(project: Project) -> None:
    shipped_alike(project, "support_tickets")
    (project.folder / "samconfig.toml").write_text(
        'version = 0.1\n[default.global.parameters]\nparameter_overrides = ["Task=nomodule"]\n'
    )
    assert project.only().code == "handler-task"
    assert "'nomodule'" in project.only().reason


def test_a_task_that_the_handler_does_not_read_or_that_another_layer_may_bring(project: Project) -> None:
    shipped_alike(project, "refunds")
    project.edit(POWERTOOLS, POWERTOOLS + OTHER_LAYER)
    assert project.found() == []
    assert "layer:others:1 cannot be seen from here" in project.skipped()[0].reason
    project.edit(OTHER_LAYER, "")
    (project.function / "app.py").write_text(APP)
    assert project.only().code == "handler-import"
    assert "EVALAYER_TASK names the unknown task 'refunds'" in project.only().reason


def test_a_file_of_the_function_that_is_gone(project: Project) -> None:
    shipped_alike(project, "support_tickets")
    (project.function / "_powertools.py").unlink()
    finding = project.only()
    assert (finding.code, finding.severity) == ("handler-module", "error")
    assert finding.place == Place(f"{project.function}/support_tickets.py", 1)
    assert "imports _powertools, which is in neither" in finding.reason
    assert finding.fix


def test_a_file_of_the_function_that_is_not_python(project: Project) -> None:
    shipped_alike(project, "support_tickets")
    (project.function / "_powertools.py").write_text(APP + "def broken(:\n")
    finding = project.only()
    assert (finding.code, finding.severity) == ("handler-syntax", "error")
    assert finding.place == Place(f"{project.function}/_powertools.py", APP.count("\n") + 1)


@pytest.mark.parametrize("line", ["type Score = float", "def f[T](x: T) -> T: ...", 't"{x}"', "class A[T = int]: ..."])
@pytest.mark.parametrize("file", ["app.py", "_powertools.py"])
def test_syntax_that_a_later_python_may_accept(project: Project, file: str, line: str) -> None:
    shipped_alike(project, "support_tickets")
    project.template.write_text(project.template.read_text().replace("python3.13", "python3.99").replace("313", "399"))
    (project.function / file).write_text(f"{line}\n{(project.function / file).read_text()}")
    codes = {finding.code for finding in project.examine().findings}
    assert not {code for code in codes if code.startswith("handler-")}


@pytest.mark.parametrize("module", ["absent_module", "absent_module.within"])
def test_a_module_that_no_layer_can_bring_is_certain_on_every_python(project: Project, module: str) -> None:
    (project.function / "app.py").write_text(f"import {module}\n" + APP)
    assert (project.only().code, project.only().severity) == ("handler-module", "error")
    assert project.only().place.line == 1
    assert "imports absent_module, which is in neither" in project.only().reason
    on_this_python(project)
    project.edit(POWERTOOLS, "")
    assert project.only().code == "handler-module"


def test_a_module_that_something_may_bring_is_uncertain(project: Project) -> None:
    modules = ["jwt", "aws_lambda_powertools.later"]
    if sys.version_info[:2] != (3, 13):  # the runtime's own Python knows what it brings
        modules.append("annotationlib" if sys.version_info < (3, 13) else "imp")
    for module in modules:
        (project.function / "app.py").write_text(f"import {module}\n" + APP)
        [finding] = project.examine().findings
        assert finding.severity == "skipped"
        assert finding.place == Place(field="importing app.lambda_handler of Function")
        assert "Powertools" in finding.reason
        assert f"ModuleNotFoundError: No module named '{module}'" in finding.reason
    (project.function / "app.py").write_text("import absent_module\n" + APP)
    for layer in (OTHER_LAYER, "        - !Select [0, [a, b]]\n"):
        project.edit(POWERTOOLS, POWERTOOLS + layer)
        assert project.found() == []
        assert "No module named 'absent_module'" in project.skipped()[-1].reason
        project.edit(layer, "")


def test_another_failure_is_certain_on_the_same_python_only(project: Project) -> None:
    (project.function / "app.py").write_text("from json import absent_name\n" + APP)
    assert project.found() == []
    assert "cannot import name 'absent_name'" in project.skipped()[0].reason
    on_this_python(project)
    project.edit(POWERTOOLS, "")
    assert (project.only().code, project.only().severity) == ("handler-import", "error")


@pytest.mark.parametrize("source", ["lambda_handler = 3", "import os\nlambda_handler = print\nos._exit(3)"])
def test_what_is_no_function_and_what_ends_the_process(project: Project, source: str) -> None:
    (project.function / "app.py").write_text(source)
    finding = project.examine().findings[0]
    if "_exit" in source:
        assert finding.severity == "skipped"
        assert finding.place == Place(field="importing app.lambda_handler of Function")
    else:
        assert "it is a int, not a function" in finding.reason


def test_the_doctor_lends_what_is_compiled_for_another_machine(project: Project) -> None:
    install(
        project.python, "rpds-py", "9.9", {"rpds/__init__.py": b"from .rpds import *", "rpds/rpds.abi3.so": elf(183)}
    )
    (project.function / "app.py").write_text("from rpds import HashTrieMap\n" + APP)
    if sys.platform == "linux":
        assert project.skipped() == []
    assert project.found() == []


def test_nothing_of_the_environment_is_there_unless_lambda_has_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    program = (
        "import os\nassert 'AWS_SECRET_ACCESS_KEY' not in os.environ\nassert os.environ['AWS_REGION']\n"
        "assert os.environ['EVALAYER_AGGREGATION'] == 'average'\n"
        "try:\n    import numpy\nexcept ImportError:\n    pass\nelse:\n    raise SystemExit('numpy is there')\n"
    )
    (project.function / "app.py").write_text(program + APP)
    assert project.examine().findings == []


def test_a_slow_import_and_what_dominates_it(project: Project) -> None:
    (project.function / "app.py").write_text("import heavy\n" + APP)
    (project.function / "heavy.py").write_text("total = sum(number % 7 for number in range(20_000_000))\n")
    finding = project.only()
    assert (finding.code, finding.severity) == ("import-time", "warning")
    said = r"importing app\.lambda_handler takes (\d+) times what Python itself takes to start.*, more than 15 times\."
    found = re.match(rf"{said} Most of it: heavy 9\d%", finding.reason)
    assert found
    assert int(found[1]) > 15


def test_the_import_leaves_no_trace(project: Project) -> None:
    (project.function / "app.py").write_text("import heavy\n" + APP)
    (project.function / "heavy.py").write_text("total = sum(number % 7 for number in range(20_000_000))\n")
    before = sorted(project.build.rglob("*"))
    assert project.found() == [("import-time", "warning")]
    assert sorted(project.build.rglob("*")) == before


def test_a_handler_is_imported_from_zips_too(project: Project, tmp_path: Path) -> None:
    layer = zipped(project.python.parent, tmp_path / "layer.zip")
    function = zipped(project.function, tmp_path / "function.zip")
    project.recipe.write_text(project.recipe.read_text().replace("average", "min"))
    report = examine(project.template, [layer], function, project.recipe)
    assert [finding.code for finding in report.findings] == ["recipe-aggregation", "recipe-corpus-metric"]
