"""What the two import names of the AWS SDK, `nova_custom_evaluation_sdk` and `llm_eval_kit`, share here.

Both names hold the same objects, so that `isinstance` and `except` work across them. Standard library only.
"""
