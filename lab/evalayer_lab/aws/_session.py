"""The services of AWS in one region, each with a client that is made when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from evalayer_lab.aws._errors import AwsError, asking, one_line
from evalayer_lab.inputs import InputError, suggest

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sts import STSClient

_CONNECT_SECONDS: Final = 10


def _client(service: str, *, attempts: int | None = None) -> Any:
    """An attribute that makes a client when it is first asked for."""
    return cached_property(lambda aws: aws._make(service, attempts=attempts))


class Aws:
    """AWS in one region, with the credentials of the environment.

    A call that fails for a passing reason is repeated as boto3 does by default, or as AWS_MAX_ATTEMPTS says. Only the
    calls of `sagemaker_once` and `invoker`, which must not happen twice, are made once.

    Attributes:
        region: the region, such as `"us-east-1"`.
    """

    cloudformation: CloudFormationClient = _client("cloudformation")
    cloudwatch: CloudWatchClient = _client("cloudwatch")
    functions: LambdaClient = _client("lambda")
    glue: GlueClient = _client("glue")
    iam: IAMClient = _client("iam")
    logs: CloudWatchLogsClient = _client("logs")
    s3: S3Client = _client("s3")
    sagemaker: SageMakerClient = _client("sagemaker")
    sagemaker_once: SageMakerClient = _client("sagemaker", attempts=1)
    sts: STSClient = _client("sts")

    def __init__(self, session: boto3.Session, region: str) -> None:
        self.region = region
        self._session = session

    @classmethod
    def connect(cls, region: str | None = None) -> Aws:
        """Read the AWS configuration. Nothing is asked yet.

        Raises:
            InputError: boto3 is not installed, the configuration cannot be read, or no region is known.
        """
        try:
            import boto3
        except ImportError as error:
            raise InputError('this needs boto3: pip install "evalayer[lab]"') from error
        with _configuring():
            session = boto3.Session(region_name=region)
        if not session.region_name:
            raise InputError("the AWS region is not known; give --region, or set AWS_DEFAULT_REGION")
        return cls(session, session.region_name)

    @cached_property
    def has_credentials(self) -> bool:
        """Whether there are credentials at all."""
        with _configuring():
            return self._session.get_credentials() is not None

    def invoker(self, timeout: float) -> LambdaClient:
        """Return a client that invokes a function once and waits that many seconds for its answer."""
        client: LambdaClient = self._make("lambda", attempts=1, timeout=timeout)
        return client

    def stack_output(self, stack: str, key: str) -> str:
        """Ask for one output of a CloudFormation stack.

        Raises:
            InputError: the stack has no such output.
            AwsError: AWS cannot be asked, or there is no such stack.
        """
        with asking("cloudformation:DescribeStacks", f"the stack {stack}"):
            found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {one.get("OutputKey", ""): one.get("OutputValue", "") for one in found.get("Outputs", [])}
        if key not in outputs:
            raise InputError(f"the stack {stack} has no output {key}; {suggest(key, sorted(outputs))}")
        return outputs[key]

    def _make(self, service: str, *, attempts: int | None = None, timeout: float = 60) -> Any:
        from botocore.config import Config

        config = Config(
            retries=None if attempts is None else {"total_max_attempts": attempts},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=timeout,
        )
        make: Any = self._session.client
        with _configuring():
            return make(service, region_name=self.region, config=config)


@contextmanager
def _configuring() -> Iterator[None]:
    """Make an `AwsError` of what boto3 raises where the configuration or the credentials are read."""
    try:
        with asking("the configuration", "AWS"):
            yield
    except (ValueError, OSError) as error:  # a number or an address that is not one; a credential_process that fails
        reason = f"the AWS configuration cannot be used: {one_line(error)}; check AWS_PROFILE and the variables AWS_*"
        raise AwsError(reason, "credentials") from error
