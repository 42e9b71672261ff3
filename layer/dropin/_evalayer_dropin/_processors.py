"""A user's function between two validations, and the handler that sends each event to the right one."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from _evalayer_dropin._models import (
    Model,
    PostprocessingPayload,
    PostprocessingResponse,
    PreprocessingPayload,
    PreprocessingResponse,
    ProcessType,
)
from _evalayer_dropin._validation import ValidationError

Event: TypeAlias = dict[str, Any]
Function: TypeAlias = Callable[[Event, Any], Event]


class ProcessorError(Exception):
    """Base of what a processor raises."""


class PreprocessError(ProcessorError):
    """A preprocess event or response broke the contract, or the function failed; the cause is chained."""


class PostprocessError(ProcessorError):
    """A postprocess event or response broke the contract, or the function failed; the cause is chained."""


class Processor(ABC):
    """What answers an event."""

    @abstractmethod
    def process(self, data: Event, context: Any) -> Event:
        """Answer the event `data`."""


class _FunctionProcessor(Processor):
    _payload: ClassVar[type[Model]]
    _response: ClassVar[type[Model]]
    _error: ClassVar[type[ProcessorError]]
    _failure: ClassVar[str]

    def __init__(self, func: Function) -> None:
        self.func = func
        self.__name__ = getattr(func, "__name__", type(self).__name__)
        self.__doc__ = getattr(func, "__doc__", None)

    def process(self, data: Event, context: Any) -> Event:
        """Validate the event, call the function with the whole event as it came, and validate what it returns.

        Raises:
            ProcessorError: the kind of this processor; the event or the response is invalid, or the function raised.
        """
        try:
            self._payload(**data)
            return self._response(**self.func(data, context)).model_dump()
        except ValidationError as error:
            raise self._error(f"Validation failed: {error}") from error
        except Exception as error:
            raise self._error(f"{self._failure}: {error}") from error


class PreProcessor(_FunctionProcessor):
    """A function that prepares a row for the model."""

    _payload = PreprocessingPayload
    _response = PreprocessingResponse
    _error = PreprocessError
    _failure = "Preprocessing failed"


class PostProcessor(_FunctionProcessor):
    """A function that scores what the model answered."""

    _payload = PostprocessingPayload
    _response = PostprocessingResponse
    _error = PostprocessError
    _failure = "PostProcessor failed"


def preprocess(func: Function) -> PreProcessor:
    """Make a preprocessor of a function of the event and the Lambda context.

    Raises:
        TypeError: the function does not have exactly two parameters.
    """
    _check_parameters(func)
    return PreProcessor(func)


def postprocess(func: Function) -> PostProcessor:
    """Make a postprocessor of a function of the event and the Lambda context.

    Raises:
        TypeError: the function does not have exactly two parameters.
    """
    _check_parameters(func)
    return PostProcessor(func)


def build_lambda_handler(
    preprocessor: Processor | None = None, postprocessor: Processor | None = None
) -> Callable[[Event, Any], Event]:
    """Build the function that Lambda calls.

    It answers with status code 400 when the event's `process_type` is unknown, or is one that has no processor.
    """

    def lambda_handler(event: Event, context: Any) -> Event:
        process_type = event.get("process_type")
        if process_type == ProcessType.PREPROCESS and preprocessor:
            return preprocessor.process(event, context)
        if process_type == ProcessType.POSTPROCESS and postprocessor:
            return postprocessor.process(event, context)
        return {"statusCode": 400, "body": {"error": f"Unsupported process_type: {process_type}"}}

    return lambda_handler


def _check_parameters(func: Function) -> None:
    count = len(inspect.signature(func).parameters)
    if count != 2:
        name = getattr(func, "__name__", type(func).__name__)
        raise TypeError(f"Function {name} must have exactly 2 parameters (data, context), got {count}")
