"""The lab's side of AWS: what is deployed there, examined before it is."""

from evalayer_lab.aws._errors import AwsError, asking
from evalayer_lab.aws._session import Aws
from evalayer_lab.aws._stack import stack_output

__all__ = [
    "Aws",
    "AwsError",
    "asking",
    "stack_output",
]
