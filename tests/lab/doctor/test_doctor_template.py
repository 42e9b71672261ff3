from __future__ import annotations

import shutil

import pytest
from tests.lab.doctor.project import Project

from evalayer_lab.inputs import InputError, Place

POWERTOOLS = "!Sub arn:aws:lambda:${AWS::Region}:017000801446:layer:${Powertools}:18"
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:other:1"


@pytest.mark.parametrize(
    ("old", "new", "code", "severity", "said"),
    [
        (", BuildArchitecture: arm64", "", "build-architecture", "error", "builds it for x86_64"),
        ("BuildArchitecture: arm64", "BuildArchitecture: x86_64", "build-architecture", "error", "built for x86_64"),
        ("      CompatibleArchitectures: [arm64]\n", "", "compatible-architectures", "warning", "has no Compatible"),
        ("CompatibleArchitectures: [arm64]", "CompatibleArchitectures: [x86_64]", "compatible-architectures",
         "error", "x86_64"),
        ("      CompatibleRuntimes: [python3.13]\n", "", "compatible-runtimes", "warning", "has no Compatible"),
        ("CompatibleRuntimes: [python3.13]", "CompatibleRuntimes: [python3.12]", "compatible-runtimes", "error", "12"),
        ("      Timeout: 30\n", "", "short-timeout", "warning", "is missing"),
        ("Timeout: 30", "Timeout: 3", "short-timeout", "warning", "is 3 seconds"),
        ("      FunctionName: SageMaker-tickets\n", "", "function-name", "warning", "is missing; "),
        ("FunctionName: SageMaker-tickets", "FunctionName: tickets", "function-name", "warning", "is tickets; "),
        ("Action: [logs:CreateLogStream, logs:PutLogEvents]", "Action: logs:*", "iam-wildcard", "warning", "logs:*"),
        ("Action: xray:PutTraceSegments", "Action: s3:GetObject", "iam-wildcard", "warning", "s3:GetObject on every"),
        ("Action: xray:PutTraceSegments", "Action: '*'", "iam-wildcard", "error", "allows every action"),
        ("Action: xray:PutTraceSegments", "NotAction: s3:GetObject", "iam-wildcard", "error", "all but"),
        ("      Policies:\n", "      ManagedPolicyArns: ['AdministratorAccess']\n      Policies:\n",
         "iam-wildcard", "error", "AdministratorAccess"),
        ("      Role: !GetAtt Role.Arn\n", "      Policies: AmazonS3FullAccess\n", "iam-wildcard", "warning", "S3"),
        ("layer:${Powertools}:18", "layer:${Powertools}", "powertools-name", "error", "version number"),
        ("python313-arm64}", "python312-arm64}", "powertools-runtime", "error", "is not for python3.13"),
        ("python313-arm64}", "python313-x86_64}", "powertools-architecture", "error", "is not for arm64"),
        ("PythonV3-python313-arm64}", "PythonV2-Arm64}", "powertools-name", "error", "not a Powertools 3 layer"),
        ("017000801446", "123456789012", "powertools-account", "warning", "017000801446"),
        ("${AWS::Region}:017000801446", "us-gov-east-1:017000801446", "powertools-account", "warning", "165087284144"),
    ],
)  # fmt: skip
def test_a_fault_in_the_template(project: Project, old: str, new: str, code: str, severity: str, said: str) -> None:
    project.edit(old, new)
    finding = project.only()
    assert (finding.code, finding.severity) == (code, severity)
    assert said in finding.reason
    assert finding.place.path == str(project.template)
    assert finding.place.line


def test_findings_have_the_line(project: Project) -> None:
    project.edit("Timeout: 30", "Timeout: 3")
    line = project.template.read_text().splitlines().index("      Timeout: 3") + 1
    assert project.only().place == Place(str(project.template), line, "Function.Timeout")


def test_an_architecture_that_is_left_to_lambda(project: Project) -> None:
    project.edit("      Architectures: [arm64]\n", "")
    found = project.found()
    assert ("architectures", "warning") in found
    assert ("elf-architecture", "error") in found


def test_more_than_five_layers(project: Project) -> None:
    project.edit("        - !Ref Layer\n", "        - !Ref Layer\n" + f"        - {LAYER}\n" * 4)
    assert (project.only().code, project.only().severity) == ("too-many-layers", "error")


def test_layers_of_another_region(project: Project) -> None:
    project.edit("        - !Ref Layer\n", f"        - !Ref Layer\n        - {LAYER}\n")
    assert project.found() == []
    (project.folder / "samconfig.toml").write_text('[default.deploy.parameters]\nregion = "us-east-1"\n')
    assert (project.only().code, project.only().severity) == ("layer-region", "error")
    assert "is in eu-west-1, but Function is to run in us-east-1" in project.only().reason


def test_the_region_of_the_recipe_counts_where_no_other_is_known(project: Project) -> None:
    project.edit("        - !Ref Layer\n", f"        - !Ref Layer\n        - {LAYER}\n")
    assert project.only(project.recipe).code == "layer-region"


def test_what_samconfig_passes_replaces_defaults(project: Project) -> None:
    config = project.folder / "samconfig.toml"
    powertools = "Powertools=AWSLambdaPowertoolsPythonV3-python312-arm64"
    for overrides in (f'["{powertools}", "Aggregation=sum"]', f'"{powertools} Aggregation=sum"'):
        config.write_text(f"[default.global.parameters]\nparameter_overrides = {overrides}\n")
        assert project.found(project.recipe) == [("powertools-runtime", "error"), ("recipe-aggregation", "error")]


@pytest.mark.parametrize("text", ["not toml", '[default.deploy.parameters]\nparameter_overrides = "\'"\n'])
def test_a_samconfig_that_cannot_be_read(project: Project, text: str) -> None:
    (project.folder / "samconfig.toml").write_text(text)
    with pytest.raises(InputError, match="samconfig"):
        project.examine()


@pytest.mark.parametrize(
    ("old", "new", "skipped"),
    [
        ("FunctionName: SageMaker-tickets", "FunctionName: !Sub '${AWS::StackName}-tickets'", "the name of Function"),
        ("FunctionName: SageMaker-tickets", "FunctionName: !ImportValue name", "the name of Function"),
        ("!GetAtt Role.Arn", "!ImportValue role", "the role of Function"),
        ("!GetAtt Role.Arn", "arn:aws:iam::111122223333:role/mine", "the role of Function"),
        (POWERTOOLS, "!ImportValue powertools", "the layer powertools of Function"),
        ("Runtime: python3.13", "Runtime: !ImportValue runtime", "Function"),
        ("Runtime: python3.13", "Runtime: nodejs20.x", "Function"),
        ("Runtime: python3.13", "PackageType: Image", "Function"),
        ("\n      Architectures: [arm64]", "\n      Architectures: [!ImportValue machine]", "Function"),
        ("  Function:\n", "  Function:\n    Condition: Never\n", "Function"),
    ],
)
def test_what_cannot_be_known_is_no_finding(project: Project, old: str, new: str, skipped: str) -> None:
    project.edit(old, new)
    assert project.found() == []
    assert skipped in [finding.place.field for finding in project.skipped()]


@pytest.mark.parametrize(
    "value",
    [
        "!If [Never, 3, 30]",
        "!If [Unknown, 3, 30]",
        "!If [Odd, 3, 30]",
        "{'Fn::If': [Never, 3, 30]}",
        "!FindInMap [Numbers, one, two]",
        "!Join ['', ['3', !Ref Digit]]",
        "!Ref Digit2",
    ],
)
def test_values_are_worked_out(project: Project, value: str) -> None:
    project.edit("Timeout: 30", f"Timeout: {value}")
    project.edit(
        "Conditions:\n",
        "Mappings: {Numbers: {one: {two: 30}}}\nConditions:\n"
        "  Odd: !Or [!Condition Never, !Not [!Equals [!Ref Digit, '0']], !And [!Condition Odd, !Condition Never]]\n",
    )
    project.edit(
        "Parameters:\n", "Parameters:\n  Digit: {Type: Number, Default: 0}\n  Digit2: {Type: Number, Default: 30}\n"
    )
    assert project.found() == []
    project.template.write_text(project.template.read_text().replace("30", "3").replace("'3'", "''"))
    expected = [] if "Unknown" in value else ["short-timeout"]
    assert [code for code, _ in project.found()] == expected


def test_globals_are_the_functions_too(project: Project) -> None:
    project.edit("      Timeout: 30\n", "")
    project.edit("      Runtime: python3.13\n", "")
    project.edit("        - !Ref Layer\n", "")
    project.edit(
        "Resources:\n", "Globals: {Function: {Timeout: 30, Runtime: python3.13, Layers: [!Ref Layer]}}\nResources:\n"
    )
    assert project.examine().findings == []


def test_aliases_are_written_out(project: Project) -> None:
    project.edit("      Timeout: 30\n", "      Timeout: &slow 3\n      MemorySize: *slow\n")
    assert project.only().code == "short-timeout"
    project.edit("      Timeout: &slow 3\n      MemorySize: *slow\n", "      <<: [{Timeout: 3}, {Handler: no.thing}]\n")
    assert project.only().code == "short-timeout"


def test_what_is_not_built_is_said(project: Project) -> None:
    shutil.rmtree(project.build)
    assert project.found() == []
    assert [one.place.field for one in project.skipped()] == ["the function Function", "the layer Layer"]


def test_functions_that_share_their_code_are_found_where_sam_built_it(project: Project) -> None:
    project.function.rename(project.build / "Shared")
    built = project.template.read_text().replace("CodeUri: processors", "CodeUri: Shared")
    (project.build / "template.yaml").write_text(built.replace("ContentUri: layer", "ContentUri: Layer"))
    assert project.examine().findings == []
    (project.build / "Shared" / "app.py").unlink()
    assert project.only().code == "handler-missing"


def test_a_fault_that_two_functions_share_is_said_once(project: Project) -> None:
    text = project.template.read_text()
    first = text[text.index("  Function:\n") : text.index("  Role:\n")]
    second = first.replace("  Function:\n", "  Second:\n", 1)
    project.edit("  Role:\n", f"{second}  Role:\n")
    shutil.copytree(project.function, project.build / "Second")
    shutil.rmtree(project.python / "quick")
    assert project.found() == [("orphan-dist-info", "error")]
