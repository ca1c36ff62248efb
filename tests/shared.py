"""Trained versions that all workers of a test run share: whoever needs one first trains it."""

from __future__ import annotations

import fcntl
import json
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.train import Bundle

_store: Path | None = None


def use(folder: Path) -> None:
    """Keep the versions in this folder, which the workers share."""
    global _store
    _store = folder
    _store.mkdir(exist_ok=True)


def trained(name: str, train: Callable[[Path], Bundle]) -> Bundle:
    """The version of this name; `train` makes it in an empty folder if no worker has done so."""
    assert _store, "no version is trained while tests are collected"
    with _locked(_store / f"{name}.lock"):
        if not (_store / name).exists():
            _write(_store / name, train)
        return _read(_store / name)


@contextmanager
def _locked(path: Path):
    """A lock that its process cannot leave behind, however it ends."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(folder: Path, train: Callable[[Path], Bundle]) -> None:
    with TemporaryDirectory(dir=folder.parent) as name:
        temporary = Path(name)
        (temporary / "data").mkdir()
        bundle = train(temporary / "data")
        files = temporary / "files"
        files.mkdir()
        for file, content in bundle.files.items():
            (files / file).write_bytes(content)
        figures = {"version": bundle.version, "score": bundle.score, "status": bundle.status}
        (files / ".bundle").write_text(json.dumps(figures))
        files.rename(folder)


def _read(folder: Path) -> Bundle:
    from training.train import Bundle

    figures = json.loads((folder / ".bundle").read_text())
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".bundle"}
    return Bundle(files=files, **figures)
