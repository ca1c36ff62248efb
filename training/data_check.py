"""Says what can be known about a definition and a file before anything is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.arrow.csv_dialect import is_csv
from scoreline.definition.derived_warnings import derived_warnings
from training.data.files import list_files
from training.data.formats import decompressed, dialect_of_file
from training.data.load import load_dataset
from training.data.memory import available_mb, check_memory, estimate_mb
from training.data.split import split_rows
from training.data.unseen import refuse_unlisted
from training.graph.states import StateGraph, with_unlearned
from training.report.figures.states import state_table, unlearned_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset


def check_definition(definition: Definition) -> dict[str, Any]:
    """Warnings that follow from the definition alone."""
    warnings = list(derived_warnings(definition.contract()))
    return {"model": definition.name, "warnings": warnings}


def check_data(definition: Definition, path: str) -> dict[str, Any]:
    """What training would read, use, leave out and need; warnings do not keep it from starting.

    Raises
    ------
    DatasetError
        Training could not start; the message says why.
    """
    check_memory(definition, path, available_mb())
    dataset = load_dataset(definition, path)
    refuse_unlisted(dataset)
    fitted, held_out = split_rows(definition.split, dataset)
    contract = definition.contract()
    rows = StateGraph(contract).count(dataset.X[fitted])
    learned = with_unlearned(contract, rows, definition.min_state_rows)
    table = state_table(definition, learned, rows)
    found = check_definition(definition)
    return {
        **found,
        "warnings": [
            *found["warnings"],
            *_dialects(path),
            *_row_warnings(dataset),
            *unlearned_warnings(table),
        ],
        "rows_read": dataset.rows_read,
        "training_rows": len(fitted),
        "test_rows": len(held_out),
        "left_out": _left_out(dataset),
        "unlearned": [state for state in table["states"] if not state["learned"]],
        "memory_mb": estimate_mb(definition, path),
        "available_mb": available_mb(),
    }


def _dialects(path: str) -> Iterator[str]:
    """How each CSV file is written, where that is unusual."""
    for file in list_files(path):
        if is_csv(file.name):
            content = decompressed(file.name, file.read())
            if remark := dialect_of_file(file.name, content).remark:
                yield f"{file.name} is read as {remark}"


def _left_out(dataset: Dataset) -> list[dict[str, Any]]:
    """The rules that rows break, each with its count and the numbers of its first rows."""
    return [
        {"rule": rule, "rows": count, "first_rows": dataset.first_excluded[rule]}
        for rule, count in dataset.exclusions.items()
    ]


def _row_warnings(dataset: Dataset) -> list[str]:
    """Warnings about rows that are used all the same."""
    warnings = [
        f"{name}: {count:,} rows hold a category that is not listed"
        for name, count in dataset.unseen.items()
    ]
    if dataset.repeated:
        warnings.append(
            f"{dataset.repeated:,} rows equal an earlier one; an id would tell whether they are"
            " copies"
        )
    return warnings
