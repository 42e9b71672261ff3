"""The user's Lambda function: loaded, called as the evaluation container calls it, its responses checked."""

from evalayer_lab.handler._call import InvalidResponse, LocalContext, postprocess, preprocess
from evalayer_lab.handler._emulator import DEFAULT_LAMBDA_HANDLER, DEFAULT_PYTHON, FunctionFailed, RuntimeEmulator
from evalayer_lab.handler._load import DEFAULT_HANDLER, Handler, LoadedHandler, load_handler

__all__ = [
    "DEFAULT_HANDLER",
    "DEFAULT_LAMBDA_HANDLER",
    "DEFAULT_PYTHON",
    "FunctionFailed",
    "Handler",
    "InvalidResponse",
    "LoadedHandler",
    "LocalContext",
    "RuntimeEmulator",
    "load_handler",
    "postprocess",
    "preprocess",
]
