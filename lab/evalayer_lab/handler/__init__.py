"""The user's Lambda function: loaded, called as the evaluation container calls it, its responses checked."""

from evalayer_lab.handler._call import InvalidResponse, LocalContext, postprocess, preprocess
from evalayer_lab.handler._load import DEFAULT_HANDLER, Handler, LoadedHandler, load_handler

__all__ = [
    "DEFAULT_HANDLER",
    "Handler",
    "InvalidResponse",
    "LoadedHandler",
    "LocalContext",
    "load_handler",
    "postprocess",
    "preprocess",
]
