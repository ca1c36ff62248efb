"""The process that plays API Gateway and the Lambda Invoke API in front of the real handlers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from local import child
from local.environment import read_template
from local.proxy import BodyTooLargeError, error, read_body, to_event, to_response
from local.runtime import Outcome, invoke, invoke_apart
from scoreline.api.http import MAX_PAYLOAD_BYTES
from scoreline.core.errors import PayloadTooLargeError

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.template import Function, Route, Template

INVOKE_PATH = "/2015-03-31/functions/{name}/invocations"


class Functions:
    """The deployment's functions, each answering one event at a time as in Lambda."""

    def __init__(self, template: Template) -> None:
        self.by_name = {function.name: function for function in template.functions.values()}
        self._threads: dict[str, ThreadPoolExecutor] = defaultdict(lambda: ThreadPoolExecutor(1))

    async def invoke(self, function: Function, event: Any) -> Outcome:
        """Run the handler outside the event loop."""
        run = invoke_apart if function.is_image else invoke
        threads = self._threads[function.name]
        return await asyncio.get_running_loop().run_in_executor(threads, run, function, event)


async def answer_route(functions: Functions, route: Route, request: Request) -> Response:
    """API Gateway: proxy event in, proxy response out."""
    event = to_event(request, route, await read_body(request))
    outcome = await functions.invoke(route.function, event)
    if outcome.failed:
        return error(502, "internal_error", "the function failed")
    return to_response(outcome.answer, outcome.request_id)


async def answer_invocation(functions: Functions, request: Request) -> Response:
    """Lambda's Invoke API: by function name or ARN; RequestResponse, Event or DryRun."""
    name = request.path_params["name"].rpartition(":function:")[2].partition(":")[0]
    if name not in functions.by_name:
        return _lambda_error(404, "ResourceNotFoundException", f"Function not found: {name}")
    try:
        event = json.loads(await read_body(request) or b"{}")
    except ValueError:
        return _lambda_error(400, "InvalidRequestContentException", "the payload is not JSON")
    except BodyTooLargeError:
        message = f"the payload is over {MAX_PAYLOAD_BYTES} bytes"
        return _lambda_error(413, "RequestTooLargeException", message)
    run = partial(functions.invoke, functions.by_name[name], event)
    match request.headers.get("x-amz-invocation-type", "RequestResponse"):
        case "Event":
            return Response(status_code=202, background=BackgroundTask(run))
        case "DryRun":
            return Response(status_code=204)
    outcome = await run()
    headers = {"X-Amzn-RequestId": outcome.request_id, "X-Amz-Executed-Version": "$LATEST"}
    if outcome.failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    return Response(json.dumps(outcome.answer), headers=headers, media_type="application/json")


def create_app(template: Template) -> Starlette:
    """The HTTP application: the template's routes and the Invoke API."""
    functions = Functions(template)
    routes = [
        HttpRoute(route.path, partial(answer_route, functions, route), methods=[route.method])
        for route in template.routes
    ]
    for route in routes:  # Starlette adds HEAD to GET, API Gateway does not
        assert route.methods is not None  # noqa: S101
        route.methods.discard("HEAD")
    invocation = partial(answer_invocation, functions)
    app = Starlette(
        routes=[
            *routes,
            HttpRoute(INVOKE_PATH, invocation, methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _http_error,
            BodyTooLargeError: _too_large,
        },
    )
    app.router.redirect_slashes = False
    return app


def main() -> None:
    """Serve on an inherited socket until SIGTERM or until the parent is gone."""
    parser = child.argument_parser(__doc__ or "")
    parser.add_argument("--socket-fd", type=int, required=True, help="a bound socket")
    args = parser.parse_args()
    child.log_warnings()
    app = create_app(read_template(args.template))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    )
    child.end_with_parent(partial(setattr, server, "should_exit", True))
    listener = socket.socket(fileno=args.socket_fd)
    listener.listen(128)  # connections wait from here on, so this is ready
    child.report_status(args.ready_fd, child.READY)
    server.run(sockets=[listener])
    os._exit(0)  # a handler that still runs would hold the process


def _lambda_error(status: int, kind: str, message: str) -> Response:
    body = json.dumps({"Type": "User", "Message": message})
    headers = {"X-Amzn-ErrorType": kind}
    return Response(body, status, headers, media_type="application/json")


async def _http_error(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101
    known = {
        404: ("route_not_found", "no such route"),
        405: ("method_not_allowed", "the route takes another method"),
    }
    code, message = known.get(problem.status_code, ("http_error", problem.detail))
    headers = dict(problem.headers or {})
    return error(problem.status_code, code, message, headers)


async def _too_large(_request: Request, _problem: Exception) -> Response:
    message = f"the body is over {MAX_PAYLOAD_BYTES} bytes"
    return error(413, PayloadTooLargeError.code, message, {"Connection": "close"})


if __name__ == "__main__":
    main()
