"""Runs handlers as Lambda does: imported by path, with a context, exceptions as answers."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
import uuid
from dataclasses import dataclass, field
from typing import Any

from local import child
from local.environment import ACCOUNT, REGION
from local.template import ROOT, Function


@dataclass
class Context:
    """Lambda's context object."""

    function_name: str
    memory_limit_in_mb: int
    timeout_s: int
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    client_context: None = None
    identity: None = None
    _started: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        """ARN of the function."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Log group of the function."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """The rest of the function's timeout."""
        return max(0, int(1000 * (self.timeout_s - (time.monotonic() - self._started))))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an invocation: the handler's answer or its error, and the request's id."""

    answer: Any
    failed: bool
    request_id: str


def invoke(function: Function, event: Any) -> Outcome:
    """Call the handler in this process; the answer has passed through JSON, as in Lambda."""
    context = Context(function.name, function.memory_mb, function.timeout_s)
    try:
        module, _, name = function.handler.rpartition(".")
        handler = getattr(importlib.import_module(module), name)
        answer = json.loads(json.dumps(handler(event, context)))
    except Exception as error:  # as Lambda's runtime does
        traceback.print_exc()
        answer = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": context.aws_request_id,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
        return Outcome(answer, failed=True, request_id=context.aws_request_id)
    return Outcome(answer, failed=False, request_id=context.aws_request_id)


def invoke_apart(function: Function, event: Any) -> Outcome:
    """Call the handler in a process of its own, since an image's libraries are too heavy here."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as answers:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.runtime", str(writer)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=(writer,),
            text=True,
        )
        os.close(writer)  # so that reading ends when the child does
        fields = {name: getattr(function, name) for name in function.__slots__}
        assert process.stdin is not None  # noqa: S101
        with process.stdin:  # stays open during the call, see child.end_with_parent
            process.stdin.write(json.dumps({"function": fields, "event": event}) + "\n")
            process.stdin.flush()
            answer = answers.read()
        process.wait()
    if not answer:
        message = f"the process ended with exit code {process.returncode}"
        error = {"errorMessage": message, "errorType": "Runtime.ExitError"}
        return Outcome(error, failed=True, request_id=str(uuid.uuid4()))
    return Outcome(**json.loads(answer))


def main() -> None:
    """Run the invocation that `invoke_apart` writes to standard input."""
    request = json.loads(sys.stdin.readline())
    child.end_with_parent(lambda: os._exit(1))
    outcome = invoke(Function(**request["function"]), request["event"])
    with os.fdopen(int(sys.argv[1]), "w") as answers:
        json.dump({name: getattr(outcome, name) for name in outcome.__slots__}, answers)


if __name__ == "__main__":
    main()
