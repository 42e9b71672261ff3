"""A small project as `sam build` leaves it, without a fault, for tests to put one in."""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from evalayer_lab.doctor import Examination, examine
from evalayer_lab.inputs import Finding

ROOT = Path(__file__).parents[3]
X86_64, AARCH64 = 62, 183
ARM_WHEEL = "cp313-cp313-manylinux_2_17_aarch64"

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Aggregation: {Type: String, Default: average}
  Powertools: {Type: String, Default: AWSLambdaPowertoolsPythonV3-python313-arm64}
Conditions:
  Never: !Equals [!Ref Aggregation, nothing]
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: makefile, BuildArchitecture: arm64}
    Properties:
      ContentUri: layer
      CompatibleArchitectures: [arm64]
      CompatibleRuntimes: [python3.13]
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: SageMaker-tickets
      CodeUri: processors
      Handler: app.lambda_handler
      Runtime: python3.13
      Architectures: [arm64]
      Timeout: 30
      Role: !GetAtt Role.Arn
      Layers:
        - !Ref Layer
        - !Sub arn:aws:lambda:${AWS::Region}:017000801446:layer:${Powertools}:18
      Environment:
        Variables:
          EVALAYER_AGGREGATION: !Ref Aggregation
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: logs
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: [logs:CreateLogStream, logs:PutLogEvents]
                Resource: !Sub arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/SageMaker-tickets:*
              - {Effect: Allow, Action: xray:PutTraceSegments, Resource: "*"}
"""

APP = """\
from evalayer import Task, build_lambda_handler
from evalayer_metrics import classification

task = Task("tickets", metrics=["exact_match", classification(field="class", labels=["network", "access"])])
lambda_handler = build_lambda_handler(task)
"""

RECIPE = """\
run: {name: tickets, model_type: "amazon.nova-2-lite-v1:0:256k", model_name_or_path: nova-lite-2/prod, data_s3_path: ""}
evaluation: {task: gen_qa}
processor:
  lambda_arn: arn:aws:lambda:us-east-1:111122223333:function:SageMaker-tickets
  lambda_type: custom_metrics
  aggregation: average
"""


def elf(machine: int, *, big_endian: bool = False) -> bytes:
    order, mark = (">", 2) if big_endian else ("<", 1)
    return b"\x7fELF" + bytes([2, mark, 1]) + bytes(9) + struct.pack(f"{order}HH", 3, machine) + bytes(44)


def install(
    root: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes] | None = None,
    *,
    requires: Sequence[str] = (),
    tags: Sequence[str] = ("py3-none-any",),
    entry_points: str = "",
) -> Path:
    """Write a distribution as pip would, and return its dist-info folder."""
    module = name.replace("-", "_")
    files = {f"{module}/__init__.py": b""} if files is None else files
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    info = root / f"{module}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    (info / "METADATA").write_text("\n".join([*lines, "", "About it."]))
    (info / "WHEEL").write_text("\n".join(["Wheel-Version: 1.0", *(f"Tag: {tag}" for tag in tags)]))
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))
    if entry_points:
        (info / "entry_points.txt").write_text(entry_points)
    return info


class Project:
    """A project in a folder, built; every path is where `sam build` puts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.template = folder / "template.yaml"
        self.recipe = folder / "recipe.yaml"
        self.build = folder / ".aws-sam" / "build"
        self.python = self.build / "Layer" / "python"
        self.function = self.build / "Function"
        self.function.mkdir(parents=True)
        self.template.write_text(TEMPLATE)
        self.recipe.write_text(RECIPE)
        (self.function / "app.py").write_text(APP)
        for source in ("layer/evalayer", "metrics/evalayer_metrics"):
            target = self.python / Path(source).name
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        self.dist_info = install(
            self.python,
            "evalayer",
            "0.1.0",
            {},
            entry_points="[evalayer.metrics]\nexact_match = evalayer_metrics.exact_match:exact_match\n",
        )
        module = "quick/_quick.cpython-313-aarch64-linux-gnu.so"
        install(self.python, "quick", "1.0", {"quick/__init__.py": b"", module: elf(AARCH64)}, tags=[ARM_WHEEL])

    def edit(self, old: str, new: str, path: Path | None = None) -> None:
        """Replace what stands exactly once in a file, the template unless another is given."""
        path = path or self.template
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def add_layer(self, name: str) -> Path:
        """Add a second, empty layer after the first, and return its folder python/."""
        self.edit("        - !Ref Layer\n", f"        - !Ref Layer\n        - !Ref {name}\n")
        declared = "{CompatibleArchitectures: [arm64], CompatibleRuntimes: [python3.13]}"
        resource = f"  {name}: {{Type: AWS::Serverless::LayerVersion, Properties: {declared}}}\n"
        self.edit("  Function:\n", f"{resource}  Function:\n")
        return self.build / name / "python"

    def examine(self, recipe: Path | None = None) -> Examination:
        return examine(self.template, recipe=recipe)

    def faults(self, recipe: Path | None = None) -> list[Finding]:
        """Examine, and return the errors and the warnings."""
        return [finding for finding in self.examine(recipe).findings if finding.severity != "skipped"]

    def skipped(self, recipe: Path | None = None) -> list[Finding]:
        """Examine, and return what could not be checked."""
        return [finding for finding in self.examine(recipe).findings if finding.severity == "skipped"]

    def found(self, recipe: Path | None = None) -> list[tuple[str, str]]:
        """Examine, and return the code and the severity of every error and warning."""
        return [(finding.code, finding.severity) for finding in self.faults(recipe)]

    def only(self, recipe: Path | None = None) -> Finding:
        """Examine, and return the one error or warning."""
        [finding] = self.faults(recipe)
        return finding


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return path
