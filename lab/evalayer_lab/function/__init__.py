"""The user's Lambda function: loaded, called as the evaluation container calls it, its responses checked."""

from evalayer_lab.function._artefact import Artefact, Distribution, Entry, Target, artefact_name, marker_environment
from evalayer_lab.function._binaries import SharedObject, unloadable
from evalayer_lab.function._call import InvalidResponse, LocalContext, postprocess, preprocess, reward
from evalayer_lab.function._emulator import (
    DEFAULT_LAMBDA_HANDLER,
    DEFAULT_PYTHON,
    MAX_PAYLOAD_BYTES,
    FunctionFailed,
    RuntimeEmulator,
)
from evalayer_lab.function._load import DEFAULT_HANDLER, Handler, LoadedHandler, load_handler
from evalayer_lab.function._runtime import (
    ARCHITECTURES,
    MACHINES,
    PACKAGES,
    Architecture,
    Runtime,
    given_architecture,
    given_runtime,
    parse_runtime,
)
from evalayer_lab.function._tree import as_folder, open_tree

__all__ = [
    "ARCHITECTURES",
    "DEFAULT_HANDLER",
    "DEFAULT_LAMBDA_HANDLER",
    "DEFAULT_PYTHON",
    "MACHINES",
    "MAX_PAYLOAD_BYTES",
    "PACKAGES",
    "Architecture",
    "Artefact",
    "Distribution",
    "Entry",
    "FunctionFailed",
    "Handler",
    "InvalidResponse",
    "LoadedHandler",
    "LocalContext",
    "Runtime",
    "RuntimeEmulator",
    "SharedObject",
    "Target",
    "artefact_name",
    "as_folder",
    "given_architecture",
    "given_runtime",
    "load_handler",
    "marker_environment",
    "open_tree",
    "parse_runtime",
    "postprocess",
    "preprocess",
    "reward",
    "unloadable",
]
