"""What goes wrong before AWS can answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore import exceptions

from evalayer_lab.aws import Aws, AwsError, asking


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_token_with_a_line_break_is_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_SESSION_TOKEN", "a-secret\n")
    environment.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    environment.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(AwsError, match="a line break in a credential") as caught, asking("sts:Ask", "the credentials"):
        Aws.connect("us-east-1").sts.get_caller_identity()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("AWS_ENDPOINT_URL", "localhost", "cannot be used: Invalid endpoint: localhost"),
        ("AWS_MAX_ATTEMPTS", "many", "cannot be used: invalid literal for int"),
        ("AWS_PROFILE", "nobody", r"The config profile \(nobody\) could not be found"),
    ],
)
def test_a_variable_that_is_wrong(environment: pytest.MonkeyPatch, name: str, value: str, reason: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(AwsError, match=reason):
        assert Aws.connect("us-east-1").s3


@pytest.mark.parametrize("command", ["/nowhere/at/all", "echo no-json"])
def test_a_program_for_credentials_that_fails(environment: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.delenv(name)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {command}\n")
    with pytest.raises(AwsError, match="the AWS configuration cannot be used") as caught:
        assert Aws.connect("us-east-1").has_credentials
    assert caught.value.kind == "credentials"


@pytest.mark.parametrize(
    "error",
    [
        exceptions.LoginRefreshRequired(),
        exceptions.UnauthorizedSSOTokenError(),
        exceptions.NoAuthTokenError(),
        exceptions.RefreshWithMFAUnsupportedError(),
    ],
)
def test_a_login_that_ran_out(error: exceptions.BotoCoreError) -> None:
    with pytest.raises(AwsError, match="there are no usable AWS credentials") as caught, asking("a:B", "it"):
        raise error
    assert caught.value.kind == "credentials"
