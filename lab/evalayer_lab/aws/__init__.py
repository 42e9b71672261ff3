"""AWS: one session, its errors as one line, and training jobs."""

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._job import Job
from evalayer_lab.aws._session import Aws

__all__ = [
    "Aws",
    "AwsError",
    "Job",
    "asking",
]
