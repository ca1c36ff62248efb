"""A process of the stack, seen from inside: it says when it is ready, and goes with its parent."""

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


def arguments(description: str) -> argparse.ArgumentParser:
    """Options that every child takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--template", type=Path, required=True, help="the template to read")
    parser.add_argument("--ready-fd", type=int, required=True, help="pipe that waits for a word")
    return parser


def say(fd: int, word: str) -> None:
    """Tell the parent that this child is ready, or why it never will be."""
    os.write(fd, word.encode())
    os.close(fd)


def go_with_parent(stop: Callable[[], object]) -> None:
    """Call `stop` when the parent is gone, which closes the pipe that is our standard input."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop()

    threading.Thread(target=wait, name="go-with-parent", daemon=True).start()


def log_plainly() -> None:
    """Warnings and worse of all libraries, into the child's log file."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
