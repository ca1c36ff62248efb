"""Acquires what only one stack may have: its ports, and the lock of its state folder."""

from __future__ import annotations

import errno
import fcntl
import socket
import time
from typing import IO, TYPE_CHECKING

from local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HANDOVER_S = 3  # the processes of a killed stack need this long to end


def bind_port(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound socket; if `shared`, several fronts bind the same port."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        _retry(
            lambda: sock.bind((host, port)),
            f"port {port} is in use; choose another with --http-port or --aws-port",
        )
    except BaseException:
        sock.close()
        raise
    return sock


def lock_folder(folder: Path) -> IO[bytes]:
    """The locked lock file of a folder, which is created if need be; closing it unlocks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / "lock", "wb")  # noqa: SIM115 - held while the stack runs
    except OSError as error:
        raise StackError(f"cannot write to {folder}: {error.strerror}") from None
    try:
        _retry(
            lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB),
            f"another stack runs with {folder}; choose another --state-dir",
        )
    except BaseException:
        lock.close()
        raise
    return lock


def _retry(acquire: Callable[[], None], problem: str) -> None:
    deadline = time.monotonic() + HANDOVER_S
    while True:
        try:
            return acquire()
        except OSError as error:
            # a stack that was just killed holds its ports and lock a little longer
            if error.errno not in {errno.EADDRINUSE, errno.EAGAIN}:
                raise StackError(f"{problem} ({error.strerror})") from None
            if time.monotonic() > deadline:
                raise StackError(problem) from None
            time.sleep(0.1)
