"""`scoreline batch`: a file of applications in, a file of answers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from batch.model import load_batch_model
from batch.run import Batch

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from batch.run import Summary
    from scoreline.aws.reader import ModelReader


def score_file(
    registry: ModelReader,
    model: str,
    path: str,
    output: Path,
    *,
    version: str,
    ids: str,
    reasons: bool,
    restart: bool,
    err: Console,
) -> Summary:
    """Score a file under a progress bar."""
    loaded = load_batch_model(registry, model, version)
    batch = Batch.of(loaded, path, output, ids=ids, reasons=reasons)
    for name in batch.encoder.absent:
        err.print(f"{name}: there is no such column, it is missing in every row")
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(f"{model} {loaded.version}", total=batch.source.rows)
        return batch.run(
            lambda done, total: bar.update(task, completed=done, total=total), restart=restart
        )
