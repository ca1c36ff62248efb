"""The common part of the stack's processes: they report their status and end with their parent."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READY = "ready"


def argument_parser(description: str) -> argparse.ArgumentParser:
    """A parser of the options that every child takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--template", type=Path, required=True, help="the template to read")
    parser.add_argument("--ready-fd", type=int, required=True, help="pipe for the status")
    return parser


def report_status(fd: int, status: str) -> None:
    """Report to the parent that this child is ready, or why it never will be."""
    os.write(fd, status.encode())
    os.close(fd)


def end_with_parent(stop: Callable[[], object]) -> None:
    """Call `stop` when the parent ends, even by SIGKILL.

    Our standard input is a pipe that only the parent holds open, so it closes when the parent ends.
    A signal on the parent's death (PR_SET_PDEATHSIG) would also fire when the parent's starting
    thread ends.
    """

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop()

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()


def log_warnings() -> None:
    """Write warnings and errors of all libraries into the child's log file."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
