"""The outputs of a deployed CloudFormation stack."""

from __future__ import annotations

from difflib import get_close_matches

from evalayer_lab.inputs import InputError


def stack_output(stack: str, key: str, region: str | None = None) -> str:
    """Ask AWS for one output of a stack.

    Raises:
        InputError: boto3 is not installed, AWS cannot be asked, or there is no such stack or output.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
    except ImportError as error:
        raise InputError("reading a stack takes boto3: pip install boto3, or give --lambda-arn") from error
    try:
        found = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=stack)["Stacks"][0]
    except NoRegionError as error:
        raise InputError("the AWS region is not known; give --region, or set AWS_DEFAULT_REGION") from error
    except (BotoCoreError, ClientError) as error:
        raise InputError(f"the stack {stack} cannot be read: {error}") from error
    outputs = {one.get("OutputKey", ""): one.get("OutputValue", "") for one in found.get("Outputs", [])}
    if key not in outputs:
        near = get_close_matches(key, outputs, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has: {', '.join(sorted(outputs)) or 'none'}"
        raise InputError(f"the stack {stack} has no output {key}; {hint}")
    return outputs[key]
