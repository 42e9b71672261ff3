"""An AWS to launch jobs in: moto, made as strict as AWS where it is laxer. python fake_aws.py

- CreateTrainingJob refuses a name that is taken.
- DescribeTrainingJob says what the test wants the job to be.
- A function is invoked in this process; GetAccountSettings has an answer.
- The next calls of an operation fail in the way that the test asks for.

Tests talk to it at /fake/: POST plan, POST reset, GET calls.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from socket import SHUT_RDWR
from threading import Thread
from typing import Any

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from evalayer import Completion, Sample, Task, build_lambda_handler
from evalayer_lab.function import LocalContext

FAULTS: dict[str, tuple[int, str, str]] = {
    "throttled": (400, "ThrottlingException", "Rate exceeded"),
    "denied": (403, "AccessDeniedException", "User is not authorized to perform it"),
    "expired": (400, "ExpiredTokenException", "The security token included in the request is expired"),
    "invalid": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "broken": (500, "InternalFailure", "something broke"),
    "quota": (400, "ResourceLimitExceeded", "The account-level service limit 'ml.p5.48xlarge' is 0 Instances"),
}


def _handlers() -> dict[str, Callable[[Any, Any], Any]]:
    task = Task("letters", reward={"same": 1.0})

    @task.metric
    def same(completion: Completion) -> float:
        return float(completion.text == completion.gold)

    @task.preprocess
    def ask(sample: Sample) -> Sample:
        return Sample(f"Answer: {sample.prompt}", sample.gold, sample.system)

    def raises(event: Any, context: Any) -> Any:
        raise ValueError(event["data"]["prompt"])

    def broken(event: Any, context: Any) -> Any:
        return {"statusCode": 200, "body": [{"metric": "same", "value": "high"}]}

    def refuses(event: Any, context: Any) -> Any:
        return {"statusCode": 400, "body": {"error": event["data"]["prompt"]}}

    def lacks(event: Any, context: Any) -> Any:
        return {"statusCode": 400, "body": {"error": f"Unsupported process_type: {event['process_type']}"}}

    return {
        "SageMaker-letters": build_lambda_handler(task),
        "SageMaker-raises": raises,
        "SageMaker-broken": broken,
        "SageMaker-refuses": refuses,
        "SageMaker-lacks": lacks,
    }


class FakeAws:
    """The WSGI application."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._handlers = _handlers()
        self._reset()

    def _reset(self) -> None:
        self._faults: dict[str, list[str]] = {}
        self._jobs: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = Request(environ).get_data()
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))

        def again() -> dict[str, Any]:
            return {**environ, "wsgi.input": BytesIO(body), "wsgi.input_terminated": True}

        answer = self._answer(Request(again()), lambda: Response.from_app(self._moto, again()))
        return answer(environ, start_response)

    def _answer(self, request: Request, forward: Callable[[], Response]) -> Response:
        if request.path.startswith("/fake/"):
            return self._control(request)
        operation = self._operation(request)
        self.calls.append(operation)
        fault = self._faults[operation].pop(0) if self._faults.get(operation) else None
        if fault == "lost":  # it is carried out, and the answer never comes
            forward()
            return self._hang_up(request)
        if fault == "unheard":  # it is not even carried out
            return self._hang_up(request)
        if fault == "damaged":  # its last byte is another one
            response = forward()
            response.set_data(response.get_data()[:-1] + b"?")
            return response
        if fault:
            return self._error(*FAULTS[fault], request)
        if operation == "CreateTrainingJob":
            name = request.get_json(force=True)["TrainingJobName"]
            if self._known(name):
                return self._error(400, "ResourceInUse", "Job name must be unique")
        if operation == "DescribeTrainingJob":
            return self._described(request, forward)
        if operation == "GetAccountSettings":
            limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
            return self._json({"AccountLimit": limits, "AccountUsage": {}})
        if operation == "Invoke":
            return self._invoked(request)
        return forward()

    @staticmethod
    def _hang_up(request: Request) -> Response:
        request.environ["werkzeug.socket"].shutdown(SHUT_RDWR)
        return Response()

    def _operation(self, request: Request) -> str:
        target = request.headers.get("X-Amz-Target", "")
        if target:
            return target.rpartition(".")[2]
        path = re.sub(r"^/\d{4}-\d\d-\d\d", "", request.path)
        if path.startswith("/account-settings"):
            return "GetAccountSettings"
        if path.endswith("/invocations"):
            return "Invoke"
        if path.startswith("/functions"):
            return f"{request.method} function{'/' + path.split('/')[3] if path.count('/') > 2 else ''}"
        form = request.form.get("Action") if request.mimetype == "application/x-www-form-urlencoded" else None
        return form or f"{request.method} s3"

    def _known(self, name: str) -> bool:
        jobs = get_backend("sagemaker")["210987654321"]["us-east-1"].training_jobs
        return name in jobs

    def _described(self, request: Request, forward: Callable[[], Response]) -> Response:
        name = request.get_json(force=True)["TrainingJobName"]
        if not self._known(name):
            return self._error(400, "ValidationException", "Requested resource not found.")
        response = forward()
        states = self._jobs.get(name) or self._jobs.get("*") or [{}]
        state = states.pop(0) if len(states) > 1 else states[0]
        return self._json({**json.loads(response.get_data()), **state})

    def _invoked(self, request: Request) -> Response:
        name = request.path.split("/")[3].partition("function%3A")[2] or request.path.split("/")[3].rpartition(":")[2]
        try:
            content = self._handlers[name](json.loads(request.get_data()), LocalContext.fresh())
        except Exception as error:  # noqa: BLE001 (as the runtime does)
            answer = self._json({"errorType": type(error).__name__, "errorMessage": str(error)})
            answer.headers["X-Amz-Function-Error"] = "Unhandled"
            return answer
        return self._json(content)

    def _control(self, request: Request) -> Response:
        if request.path == "/fake/calls":
            return self._json(self.calls)
        if request.path == "/fake/reset":
            self._reset()
            return self._json({})
        wanted = request.get_json(force=True)
        self._faults.update(wanted.get("faults", {}))
        self._jobs.update(wanted.get("jobs", {}))
        return self._json({})

    @staticmethod
    def _json(content: Any) -> Response:
        return Response(json.dumps(content), mimetype="application/json")

    @staticmethod
    def _error(status: int, code: str, message: str, request: Request | None = None) -> Response:
        """Answer in the way of the service: JSON, or XML for a form and for S3."""
        as_form = request is not None and "Action" in request.form
        if as_form or (request is not None and "s3" in request.headers.get("Authorization", "").split("/")):
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            xml = f"<ErrorResponse>{error}</ErrorResponse>" if as_form else error
            return Response(xml, status=status, mimetype="text/xml")
        body = json.dumps({"__type": code, "message": message})
        return Response(body, status=status, mimetype="application/json", headers={"x-amzn-ErrorType": code})


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (the base's name)
        pass


def main() -> None:
    """Serve until standard input ends, as it does when the test that started this is gone."""
    server = make_server("127.0.0.1", 0, FakeAws(), threaded=True, request_handler=_Quiet)
    print(server.server_port, flush=True)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
