"""Names of the container's output that more than one room reads or writes."""

from typing import Final

METRIC_PREFIX: Final = "lambda_"  # what a Lambda function reports, in results and details
