"""What AWS answers when it does not do what it was asked to, as one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

from evalayer_lab.inputs import InputError

Kind: TypeAlias = Literal["credentials", "denied", "missing", "throttled", "unreachable", "unanswered", "other"]

_CODES: Final[Mapping[Kind, str]] = {
    "credentials": """AuthFailure ExpiredToken ExpiredTokenException IncompleteSignature InvalidAccessKeyId
        InvalidClientTokenId InvalidSignatureException InvalidToken MissingAuthenticationToken RequestExpired
        SignatureDoesNotMatch TokenRefreshRequired UnrecognizedClientException""",
    "denied": "403 AccessDenied AccessDeniedException Forbidden UnauthorizedOperation",
    "missing": "404 NoSuchBucket NoSuchEntity NoSuchKey NotFound ResourceNotFound ResourceNotFoundException",
    "throttled": """ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled SlowDown Throttling
        ThrottlingException TooManyRequestsException""",
    "unanswered": "InternalError InternalFailure InternalServerError ServiceUnavailable",
}
_KINDS: Final[Mapping[str, Kind]] = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
_LOGIN: Final = "run `aws configure` or `aws sso login`, or set AWS_PROFILE"
_SERVER_ERROR: Final = 500


class AwsError(InputError):
    """A call to AWS that did not succeed.

    Attributes:
        kind: `"credentials"` are missing, wrong or expired; a call is `"denied"`; what it names is `"missing"`; AWS
            `"throttled"` it; AWS is `"unreachable"`; the call may have been carried out or not, for it is
            `"unanswered"`; or `"other"`.
        code: AWS's own word for it; empty if AWS gave none.
    """

    def __init__(self, reason: str, kind: Kind, code: str = "") -> None:
        super().__init__(reason)
        self.kind: Kind = kind
        self.code = code

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.kind in {"unreachable", "unanswered", "throttled"}


@contextmanager
def asking(action: str, resource: str) -> Iterator[None]:
    """Make an `AwsError` of whatever boto3 raises within.

    Args:
        action: the permission that the call takes, such as `"iam:GetRole"`.
        resource: what it is about, as a person would call it.

    Raises:
        AwsError: the call did not succeed.
    """
    from boto3.exceptions import Boto3Error
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(error.response, action, resource) from error
    except (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.NoAuthTokenError,
        exceptions.RefreshWithMFAUnsupportedError,
        exceptions.SSOError,
        getattr(exceptions, "LoginError", exceptions.SSOError),  # not in older ones
    ) as error:
        raise AwsError(f"there are no usable AWS credentials ({one_line(error)}); {_LOGIN}", "credentials") from error
    except (exceptions.ReadTimeoutError, exceptions.ConnectionClosedError, exceptions.IncompleteReadError) as error:
        raise AwsError(f"{resource}: {action} got no answer: {one_line(error)}", "unanswered") from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        # Of a request that cannot even be sent, the text may quote its headers, and these a session token.
        is_unsent = type(error) is exceptions.HTTPClientError
        text = "no request can be sent (is there a line break in a credential?)" if is_unsent else one_line(error)
        reason = f"{resource}: AWS cannot be reached: {text}; check the network, --region and AWS_ENDPOINT_URL"
        raise AwsError(reason, "unreachable") from error
    except ResponseParserError as error:
        reason = f"{resource}: the answer to {action} does not come from AWS; is there a proxy in between?"
        raise AwsError(reason, "unanswered") from error
    except (exceptions.BotoCoreError, Boto3Error) as error:
        inner = error.__context__
        if isinstance(inner, exceptions.ClientError):  # an upload's error has the call's within
            raise _refused(inner.response, action, resource) from error
        raise AwsError(f"{resource}: {action}: {one_line(error)}", "other") from error


def _refused(response: Mapping[str, Any], action: str, resource: str) -> AwsError:
    details = response.get("Error", {})
    code, message = str(details.get("Code", "")), one_line(details.get("Message", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    unknown: Kind = "unanswered" if status >= _SERVER_ERROR else "other"
    kind = _KINDS.get(code, unknown)
    reasons: Mapping[Kind, str] = {
        "credentials": f"AWS does not accept the credentials ({code}); {_LOGIN}",
        "denied": f"{resource}: the credentials may not call {action}; docs/jobs.md and publish.md list what they need",
        "missing": f"{resource} does not exist ({code})",
        "throttled": f"{resource}: AWS throttles {action} ({code}); try again in a minute",
        "unanswered": f"{resource}: {action} failed on AWS's side ({code}); try again",
        "other": f"{resource}: {action}: {code}: {message}",
    }
    return AwsError(reasons[kind], kind, code)


def one_line(text: object) -> str:
    r"""Write what AWS or a job says as one line, without what would steer a terminal.

    >>> one_line("no rows\n\x1b[31mred")
    'no rows [31mred'
    """
    return " ".join("".join(one if one.isprintable() else " " for one in str(text)).split())
