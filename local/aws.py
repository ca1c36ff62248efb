"""The process that plays AWS: a moto server with our resources, saved after every change."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from local import child
from local.environment import read_template
from local.resources import Aws, connect_events, create_stores
from local.state import State, StateError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READS = ("BatchGet", "Describe", "Get", "List", "Query", "Receive", "Scan")
SETTLE_S = 0.3


class QuietHandler(MotoRequestHandler):
    """No line per request."""

    def log_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Say nothing."""


class Changes:
    """Lets requests through and remembers that one of them may have changed something.

    DynamoDB's go one at a time: moto undoes a failed transaction by putting an older copy of the
    table back, and with it would go what another request wrote meanwhile.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._dynamodb = threading.Lock()
        self.seen = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        is_dynamodb = environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_")
        try:
            with self._dynamodb if is_dynamodb else nullcontext():
                return self._app(environ, start_response)
        finally:
            if not _is_read(environ):
                self.seen.set()


def serve(server: BaseWSGIServer) -> threading.Thread:
    """Answer requests in a thread of their own."""
    thread = threading.Thread(target=server.serve_forever, name="moto", daemon=True)
    thread.start()
    return thread


def save_changes(state: State, changes: Changes, stopping: threading.Event) -> None:
    """Save after every change until `stopping`, and a last time then.

    A large state takes long to save: while changes go on, saving has a fifth of the time at most.
    """
    took = 0.0
    while not stopping.is_set():
        if changes.seen.wait(timeout=0.2):
            stopping.wait(max(SETTLE_S, 4 * took))
            changes.seen.clear()
            started = time.perf_counter()
            state.save()
            took = time.perf_counter() - started
    state.save()


def main() -> None:
    """Start moto on an inherited socket, restore the state, say so, and save until the end."""
    parser = child.arguments(__doc__ or "")
    parser.add_argument("--socket-fd", type=int, required=True, help="a bound socket")
    parser.add_argument("--state-dir", type=Path, required=True, help="where to keep the state")
    args = parser.parse_args()
    child.log_plainly()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    child.go_with_parent(stopping.set)

    changes = Changes(DomainDispatcherApplication(create_backend_app))
    server = make_server(
        "localhost",
        0,
        changes,
        threaded=True,
        request_handler=QuietHandler,
        fd=args.socket_fd,
    )
    serve(server)
    template, aws = read_template(args.template), Aws.connect()
    state = State(args.state_dir, aws)
    create_stores(template, aws)
    try:
        state.restore()
    except StateError as error:
        child.say(args.ready_fd, str(error))
        return
    connect_events(template, aws)
    child.say(args.ready_fd, child.READY)
    save_changes(state, changes, stopping)


def _is_read(environ: WSGIEnvironment) -> bool:
    action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return action.startswith(READS) if action else environ["REQUEST_METHOD"] in {"GET", "HEAD"}


if __name__ == "__main__":
    main()
