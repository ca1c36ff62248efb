"""Journal of finished parts, one line each, so that an interrupted run can be resumed."""

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
    """The journal of a work folder, which one run at a time locks.

    Its first line is the request. A different request is refused, so parts of two versions or of
    two inputs never end up in one output.

    Attributes
    ----------
    folder : where the parts are
    done : number of a finished part -> its counts
    """

    def __init__(self, folder: Path, request: dict[str, Any], *, restart: bool) -> None:
        """Begin, or resume a run with the same request.

        Parameters
        ----------
        restart : discard an earlier run

        Raises
        ------
        BatchError
            Another run is using the folder, or it was begun with another request.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = open(folder / JOURNAL, "a+b")  # noqa: SIM115 - locked during the run
        try:
            self._lock()
            lines = [] if restart else self._lines()
            if not lines:
                self._clear()
                self._append(request)
            elif lines[0] != request:
                raise BatchError(_difference(folder, lines[0], request))
        except BaseException:
            self._file.close()
            raise
        self.done: dict[int, dict[str, int]] = {
            line["part"]: line for line in lines[1:] if self.path(line["part"]).exists()
        }

    def __enter__(self) -> Self:
        """Enter with the lock already taken."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the lock."""
        self._file.close()

    def path(self, part: int, kind: str = "") -> Path:
        """File of a part."""
        return self.folder / f"part-{part:06d}{kind}.parquet"

    @property
    def first_missing(self) -> int:
        """Number of the first unfinished part."""
        return next(part for part in range(len(self.done) + 1) if part not in self.done)

    def total(self, count: str) -> int:
        """Sum of a count over the finished parts."""
        return sum(part[count] for part in self.done.values())

    def record(self, part: int, **counts: int) -> None:
        """Record durably that a part is finished."""
        self.done[part] = {"part": part, **counts}
        self._append(self.done[part])

    def remove(self) -> None:
        """Remove the folder."""
        doomed = self.folder.with_name(self.folder.name + ".gone")
        shutil.rmtree(doomed, ignore_errors=True)
        self.folder.rename(doomed)  # so that no half-deleted folder has the journal's name
        shutil.rmtree(doomed)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchError(f"another run is using {self.folder}") from None

    def _lines(self) -> list[dict[str, Any]]:
        """The complete lines; a last line that a power cut interrupted is removed."""
        self._file.seek(0)
        content = self._file.read()
        complete = content[: content.rfind(b"\n") + 1]
        self._file.truncate(len(complete))
        return [json.loads(line) for line in complete.splitlines()]

    def _clear(self) -> None:
        self._file.truncate(0)
        for path in self.folder.iterdir():
            if path.name != JOURNAL:
                path.unlink()

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _difference(folder: Path, begun: dict[str, Any], request: dict[str, Any]) -> str:
    changed = [name for name in request if begun.get(name) != request[name]]
    version = f" ({begun['version']})" if "version" in changed else ""
    return (
        f"{folder} holds an unfinished run with another {', '.join(changed)}{version}: "
        "repeat its request to resume it, or use --restart to discard it"
    )
