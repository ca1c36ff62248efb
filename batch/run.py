"""Scores a file of any size in constant memory, and resumes an interrupted run.

One thread reads; the others encode, score and write one part of the file at a time. A part is
written to `OUTPUT.parts/` before the journal lists it; at the end the parts are joined into the
output and the folder is removed.
"""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batch.encoding import FileEncoder
from batch.input_file import InputFile
from batch.journal import Journal
from batch.kept_columns import KeptColumns
from batch.output import REJECTED, answers_of, assemble, rejections_of, write_part
from batch.summary import Tally
from scoreline.core.errors import BatchError
from scoreline.scoring.many_rows import ROWS_PER_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from batch.encoding import EncodedRows
    from batch.model import BatchModel

    # Rows done, and rows in total where that is known.
    type Progress = Callable[[int, int | None], None]

PART_CELLS = 1 << 21
REJECTIONS = ".rejected"


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a file's rows by outcome.

    Attributes
    ----------
    resumed : rows that an earlier run had scored
    absent : features that have no column in the file
    rejections : file with every broken rule of the rejected rows
    tally : decisions, scores, and the broken rules
    """

    rows: int
    rejected: int
    resumed: int
    absent: list[str]
    rejections: Path
    tally: Tally


@dataclass(frozen=True, slots=True)
class Batch:
    """A file to score, the model, and the file for the answers.

    Attributes
    ----------
    part_rows : rows per part; each thread holds one part in memory
    explain : what the answers say besides the decision: `reasons`, `contributions`
    """

    model: BatchModel
    source: InputFile
    encoder: FileEncoder
    output: Path
    part_rows: int
    explain: Mapping[str, bool]
    kept: KeptColumns

    @classmethod
    def of(
        cls,
        model: BatchModel,
        path: str,
        output: Path,
        *,
        ids: str = "",
        keep: Sequence[str] = (),
        reasons: bool = False,
        contributions: bool = False,
    ) -> Batch:
        """Open the file and find the model's columns in it.

        Parameters
        ----------
        path : a Parquet or CSV file, local or `s3://bucket/key`
        ids : column of the ids; by default `id`, else the dataset's id, else the row's number
        keep : columns of the file that the output repeats, or `all`
        reasons, contributions : say why, too

        Raises
        ------
        BatchError
            The file cannot be read or does not fit the model.
        """
        if output.suffix not in (".parquet", ".csv"):
            raise BatchError(f"{output}: neither a .parquet nor a .csv file")
        if output.absolute() == Path(path).absolute():
            raise BatchError(f"{output} is also the input")
        source = InputFile(path)
        usual = [name for name in ("id", model.id_column) if name in source.schema.names]
        id_column = ids or next(iter(usual), None)
        encoder = FileEncoder(
            model.contract,
            source.schema,
            id_column,
            untyped=source.untyped,
            decimal=source.dialect.decimal,
        )
        explain = {"reasons": reasons, "contributions": contributions}
        no_rows = encoder.encode(source.schema.empty_table())
        kept = KeptColumns(
            keep,
            source.schema,
            id_column=id_column,
            answers={"id", "row", *model.answer(no_rows, **explain)},
            as_csv=output.suffix == ".csv",
        )
        return cls(model, source, encoder, output, _part_rows(model), explain, kept)

    def run(self, progress: Progress, *, restart: bool = False) -> Summary:
        """Score the remaining parts, then write answers and rejections.

        Parameters
        ----------
        restart : discard the parts of an earlier run

        Raises
        ------
        BatchError
            The earlier run had another request, or the file is damaged or has changed.
        """
        folder = self.output.with_name(self.output.name + ".parts")
        with Journal(folder, self._request(), restart=restart) as journal:
            resumed = journal.total("rows")
            progress(resumed, self.source.rows)
            self._score_missing(journal, progress)
            self.source.check_unchanged()
            rejections = self.output.with_suffix(REJECTIONS + self.output.suffix)
            tally = self._assemble(journal, rejections)
            journal.remove()
        rows, rejected = journal.total("rows"), journal.total("rejected")
        return Summary(rows, rejected, resumed, self.encoder.absent, rejections, tally)

    def _request(self) -> dict[str, object]:
        """Everything that must be equal for a run to resume another."""
        return {
            "input": self.source.identity.to_json(),
            "model": self.model.contract.model,
            "version": self.model.version,
            "graph": self.model.sha256,
            "choice of columns": self.encoder.columns,
            "choice of reasons": dict(self.explain),
            "choice of kept columns": self.kept.names,
            "part size": self.part_rows,
        }

    def _score_missing(self, journal: Journal, progress: Progress) -> None:
        workers = os.process_cpu_count() or 1
        pending: dict[Future[dict[str, int]], int] = {}

        def finish(until: int) -> None:
            """Record finished parts until at most `until` are pending."""
            while len(pending) > until:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    journal.record(pending.pop(future), **future.result())
                    progress(journal.total("rows"), self.source.rows)

        columns = {**dict.fromkeys(self.kept.names.values(), False), **self.encoder.columns}
        parts = self.source.parts(columns, self.part_rows, journal.first_missing)
        with ThreadPoolExecutor(workers) as pool:
            try:
                for part, table in parts:
                    if part not in journal.done:
                        pending[pool.submit(self._score, journal, part, table)] = part
                    # One more part than workers, so that no worker is idle during a read.
                    finish(until=workers)
                finish(until=0)
            except BaseException:
                # Otherwise the pool would score every queued part before it raises.
                pool.shutdown(cancel_futures=True)
                raise

    def _score(self, journal: Journal, part: int, table: pa.Table) -> dict[str, int]:
        """Encode, score and write one part; returns its counts."""
        encoded = self.model.refused(self.encoder.encode(table))
        accepted, first = encoded.accepted, part * self.part_rows + 1
        rejected = encoded.X.shape[1] - accepted.X.shape[1]
        if rejected:
            write_part(rejections_of(encoded, first), journal.path(part, REJECTIONS))
        write_part(self._answers(table, accepted, first), journal.path(part))
        return {"rows": encoded.X.shape[1], "rejected": rejected}

    def _answers(self, table: pa.Table, accepted: EncodedRows, first: int) -> pa.Table:
        kept = self.kept.columns(table, accepted.rows)
        return answers_of(accepted, first, kept, self.model.answer(accepted, **self.explain))

    def _assemble(self, journal: Journal, rejections: Path) -> Tally:
        tally, done = Tally(), sorted(journal.done)
        broken = [part for part in done if journal.done[part]["rejected"]]
        paths = [journal.path(part, REJECTIONS) for part in broken]
        assemble(paths, REJECTED, rejections, journal.folder, tally.add_rejections)
        empty = self.source.schema.empty_table()
        schema = self._answers(empty, self.encoder.encode(empty), 1).schema
        answers = map(journal.path, done)
        assemble(answers, schema, self.output, journal.folder, tally.add_answers)
        return tally


def _part_rows(model: BatchModel) -> int:
    """A multiple of the rows per run, fewer for a wider model, so that memory per part is even."""
    width = len(model.contract.features)
    return max(PART_CELLS // width // ROWS_PER_RUN, 1) * ROWS_PER_RUN
