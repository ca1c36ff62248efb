"""Scores a file of any size in constant memory, and goes on where a killed run was.

One thread reads; others encode, score and write, each a part of the file at a time. A part is a
file of its own in `OUTPUT.parts/` before the journal names it; at the end the parts become the
output, and the folder goes.
"""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batch.encoding import FileEncoder
from batch.journal import Journal
from batch.output import REJECTED, answers_of, assemble, rejections_of, write_part
from batch.source import Source
from scoreline.core.errors import BatchError
from scoreline.scoring.many_rows import ROWS_PER_RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from batch.model import BatchModel

    # rows that are done, and rows in all where that is known
    type Progress = Callable[[int, int | None], None]

PART_CELLS = 1 << 21
REJECTIONS = ".rejected"


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file's rows.

    Attributes
    ----------
    resumed : rows that an earlier run had done
    absent : features that the file has no column for
    rejections : where every broken rule of the rejected rows stands
    """

    rows: int
    rejected: int
    resumed: int
    absent: list[str]
    rejections: Path


@dataclass(frozen=True, slots=True)
class Batch:
    """A file to score, the model, and where the answers go.

    Attributes
    ----------
    part_rows : rows of a part; some parts are in memory at a time
    """

    model: BatchModel
    source: Source
    encoder: FileEncoder
    output: Path
    part_rows: int
    reasons: bool = False

    @classmethod
    def of(
        cls, model: BatchModel, path: str, output: Path, *, ids: str = "", reasons: bool = False
    ) -> Batch:
        """Look at the file and find the model's columns in it.

        Parameters
        ----------
        path : a Parquet or CSV file, local or `s3://bucket/key`
        ids : column of the ids: `id` by default, or the dataset's id, or the number of the row

        Raises
        ------
        BatchError
            The file cannot be read or does not fit the model.
        """
        if output.suffix not in (".parquet", ".csv"):
            raise BatchError(f"{output}: neither a .parquet nor a .csv file")
        if output.absolute() == Path(path).absolute():
            raise BatchError(f"{output} is the input")
        source = Source(path)
        usual = [name for name in ("id", model.id_column) if name in source.schema.names]
        encoder = FileEncoder(
            model.contract, source.schema, ids or next(iter(usual), None), untyped=source.untyped
        )
        return cls(model, source, encoder, output, _part_rows(model), reasons)

    def run(self, progress: Progress, *, restart: bool = False) -> Summary:
        """Score what is not done yet, and write answers and rejections.

        Parameters
        ----------
        restart : forget what an earlier run has done

        Raises
        ------
        BatchError
            The earlier run was asked for something else; the file is damaged, or has changed.
        """
        folder = self.output.with_name(self.output.name + ".parts")
        with Journal(folder, self._asked(), restart=restart) as journal:
            resumed = journal.total("rows")
            progress(resumed, self.source.rows)
            self._score_missing(journal, progress)
            self.source.check_unchanged()
            rejections = self.output.with_suffix(REJECTIONS + self.output.suffix)
            self._assemble(journal, rejections)
            journal.remove()
        rows, rejected = journal.total("rows"), journal.total("rejected")
        return Summary(rows, rejected, resumed, self.encoder.absent, rejections)

    def _asked(self) -> dict[str, object]:
        """What two runs must share, so that one may go on where the other was."""
        return {
            "input": self.source.identity.to_json(),
            "model": self.model.contract.model,
            "version": self.model.version,
            "graph": self.model.sha256,
            "choice of columns": self.encoder.columns,
            "choice of reasons": self.reasons,
            "part size": self.part_rows,
        }

    def _score_missing(self, journal: Journal, progress: Progress) -> None:
        workers = os.process_cpu_count() or 1
        pending: dict[Future[dict[str, int]], int] = {}

        def finish(until: int) -> None:
            """Note finished parts until no more than so many are under way."""
            while len(pending) > until:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    journal.record(pending.pop(future), **future.result())
                    progress(journal.total("rows"), self.source.rows)

        parts = self.source.parts(self.encoder.columns, self.part_rows, journal.first_missing)
        with ThreadPoolExecutor(workers) as pool:
            try:
                for part, table in parts:
                    if part not in journal.done:
                        pending[pool.submit(self._score, journal, part, table)] = part
                    finish(until=workers)  # one part waits for the first worker that is free
                finish(until=0)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _score(self, journal: Journal, part: int, table: pa.Table) -> dict[str, int]:
        """Encode, score and write one part; returns its figures."""
        encoded = self.encoder.encode(table)
        accepted, first = encoded.accepted, part * self.part_rows + 1
        rejected = encoded.X.shape[1] - accepted.X.shape[1]
        if rejected:
            write_part(rejections_of(encoded, first), journal.path(part, REJECTIONS))
        answers = self.model.answer(accepted, reasons=self.reasons)
        write_part(answers_of(accepted, first, answers), journal.path(part))
        return {"rows": encoded.X.shape[1], "rejected": rejected}

    def _assemble(self, journal: Journal, rejections: Path) -> None:
        done = sorted(journal.done)
        broken = [part for part in done if journal.done[part]["rejected"]]
        paths = [journal.path(part, REJECTIONS) for part in broken]
        assemble(paths, REJECTED, rejections, journal.folder)
        nothing = self.encoder.encode(self.source.schema.empty_table())
        schema = answers_of(nothing, 1, self.model.answer(nothing, reasons=self.reasons)).schema
        assemble(map(journal.path, done), schema, self.output, journal.folder)


def _part_rows(model: BatchModel) -> int:
    """A multiple of the graph's rows, fewer for a wider model: parts take much the same memory."""
    width = len(model.contract.features)
    return max(PART_CELLS // width // ROWS_PER_RUN, 1) * ROWS_PER_RUN
