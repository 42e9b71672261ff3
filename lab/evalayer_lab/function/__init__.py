"""The user's Lambda function: loaded, called as the container calls it, emulated, and its built artefact read."""

from evalayer_lab.function._artefact import Artefact, Distribution, PathEntry, Target, marker_environment
from evalayer_lab.function._binaries import SharedObject, unloadable
from evalayer_lab.function._call import InvalidResponse, LocalContext, postprocess, preprocess, reward
from evalayer_lab.function._emulator import FunctionFailed, RuntimeEmulator
from evalayer_lab.function._interpreter import DEFAULT_PYTHON
from evalayer_lab.function._load import Handler, LoadedHandler, load_handler
from evalayer_lab.function._runtime import (
    ARCHITECTURES,
    MACHINES,
    RUNTIME_PACKAGES,
    Architecture,
    Runtime,
    architecture_of,
    parse_runtime,
    read_architecture,
    read_runtime,
)
from evalayer_lab.function._tree import as_folder, open_tree

__all__ = [
    "ARCHITECTURES",
    "DEFAULT_PYTHON",
    "MACHINES",
    "RUNTIME_PACKAGES",
    "Architecture",
    "Artefact",
    "Distribution",
    "FunctionFailed",
    "Handler",
    "InvalidResponse",
    "LoadedHandler",
    "LocalContext",
    "PathEntry",
    "Runtime",
    "RuntimeEmulator",
    "SharedObject",
    "Target",
    "architecture_of",
    "as_folder",
    "load_handler",
    "marker_environment",
    "open_tree",
    "parse_runtime",
    "postprocess",
    "preprocess",
    "read_architecture",
    "read_runtime",
    "reward",
    "unloadable",
]
