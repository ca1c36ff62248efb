"""The process that plays AWS: a moto server with our resources, saved after each change."""

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
from werkzeug.serving import make_server

from local import child
from local.environment import read_template
from local.resources import Aws, connect_events, create_stores
from local.state import State, StateError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from local.template import Template

READS = ("BatchGet", "Describe", "Get", "List", "Query", "Receive", "Scan")
PAUSE_S = 0.3


class QuietHandler(MotoRequestHandler):
    """A handler that logs no requests."""

    def log_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Log nothing."""


class Changes:
    """Passes requests on and remembers whether one of them may have changed something.

    DynamoDB's requests run one at a time: moto undoes a failed transaction by restoring an older
    copy of the table, which would also undo what other requests wrote in the meantime.
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


def serve(socket_fd: int) -> Changes:
    """Answer requests in a thread; the result tells whether they changed something."""
    changes = Changes(DomainDispatcherApplication(create_backend_app))
    # the socket is bound by the parent, which thereby knows a free port before moto has loaded
    server = make_server(
        "localhost", 0, changes, threaded=True, request_handler=QuietHandler, fd=socket_fd
    )
    threading.Thread(target=server.serve_forever, name="moto", daemon=True).start()
    return changes


def restore(template: Template, folder: Path) -> State:
    """Create the resources and load the saved state, before anything can cause an event."""
    aws = Aws.connect()
    state = State(folder, aws)
    create_stores(template, aws)
    state.restore()
    connect_events(template, aws)
    return state


def save_changes(state: State, changes: Changes, stopping: threading.Event) -> None:
    """Save after each change until `stopping`, and once more at the end.

    A large state takes long to save, so the pauses are four times as long as the last save.
    """
    save_s = 0.0
    while not stopping.is_set():
        if changes.seen.wait(timeout=0.2):
            stopping.wait(max(PAUSE_S, 4 * save_s))
            changes.seen.clear()
            started = time.perf_counter()
            state.save()
            save_s = time.perf_counter() - started
    state.save()


def main() -> None:
    """Start moto on an inherited socket, restore the state, report it, and save until the end."""
    parser = child.argument_parser(__doc__ or "")
    parser.add_argument("--socket-fd", type=int, required=True, help="a bound socket")
    parser.add_argument("--state-dir", type=Path, required=True, help="where to keep the state")
    args = parser.parse_args()
    child.log_warnings()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    child.end_with_parent(stopping.set)
    changes = serve(args.socket_fd)
    try:
        state = restore(read_template(args.template), args.state_dir)
    except StateError as error:
        child.report_status(args.ready_fd, str(error))
        return
    child.report_status(args.ready_fd, child.READY)
    save_changes(state, changes, stopping)


def _is_read(environ: WSGIEnvironment) -> bool:
    action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return action.startswith(READS) if action else environ["REQUEST_METHOD"] in {"GET", "HEAD"}


if __name__ == "__main__":
    main()
