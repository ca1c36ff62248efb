"""Which parts of a file are done: one line each, so that a killed run goes on where it was."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, Self

from scoreline.core.errors import BatchError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

JOURNAL = "journal.jsonl"


class Journal:
    """The journal of a work folder, held by one run at a time.

    Its first line says what was asked; another request is refused, so that parts of two versions
    or of two inputs never meet in one output.

    Attributes
    ----------
    folder : where the parts are
    done : number of a part -> its figures
    """

    def __init__(self, folder: Path, asked: dict[str, Any], *, restart: bool) -> None:
        """Begin, or go on with what was asked before.

        Parameters
        ----------
        restart : forget what is there

        Raises
        ------
        BatchError
            Another run is at work in the folder, or it was begun with something else.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = open(folder / JOURNAL, "a+b")  # noqa: SIM115 - held while the run goes on
        try:
            self._lock()
            lines = [] if restart else self._lines()
            if not lines:
                self._clear()
                self._append(asked)
            elif lines[0] != asked:
                raise BatchError(_difference(folder, lines[0], asked))
        except BaseException:
            self._file.close()
            raise
        self.done: dict[int, dict[str, int]] = {
            line["part"]: line for line in lines[1:] if self.path(line["part"]).exists()
        }

    def __enter__(self) -> Self:
        """Nothing is left to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let another run go on."""
        self._file.close()

    def path(self, part: int, kind: str = "") -> Path:
        """File of a part."""
        return self.folder / f"part-{part:06d}{kind}.parquet"

    @property
    def first_missing(self) -> int:
        """Number of the first part that is not done."""
        return next(part for part in range(len(self.done) + 1) if part not in self.done)

    def total(self, figure: str) -> int:
        """A figure of all parts that are done."""
        return sum(part[figure] for part in self.done.values())

    def record(self, part: int, **figures: int) -> None:
        """Note for good that a part is done."""
        self.done[part] = {"part": part, **figures}
        self._append(self.done[part])

    def remove(self) -> None:
        """Remove the folder."""
        gone = self.folder.with_name(self.folder.name + ".gone")  # never half a folder by its name
        shutil.rmtree(gone, ignore_errors=True)
        self.folder.rename(gone)
        shutil.rmtree(gone)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchError(f"another run is at work in {self.folder}") from None

    def _lines(self) -> list[dict[str, Any]]:
        """The lines that are whole; what a power cut has left of the last one is cut off."""
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def _clear(self) -> None:
        self._file.truncate(0)
        for path in self.folder.iterdir():
            if path.name != JOURNAL:
                path.unlink()

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _difference(folder: Path, begun: dict[str, Any], asked: dict[str, Any]) -> str:
    changed = [name for name in asked if begun.get(name) != asked[name]]
    begun_with = f" ({begun['version']})" if "version" in changed else ""
    return (
        f"{folder} was begun with another {', '.join(changed)}{begun_with}: "
        "ask for the same again to go on, or --restart to start anew"
    )
