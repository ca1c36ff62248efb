"""Commands of a data scientist's first hour: draft a definition from a file, and check both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.definition_files import chosen_definition
from cli.options import AsJson, DefinitionFile
from cli.output import remark, show, status
from cli.tables import left_out_table
from scoreline.core.errors import InvalidRequestError

app = typer.Typer()

DataFile = Annotated[str, typer.Argument(help="CSV or Parquet file, or a folder; local or s3://.")]


@app.command()
def init(
    file: DataFile,
    target: Annotated[str, typer.Option(help="Column that holds the outcome.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Definition to write, NAME.toml; by default it is called like FILE."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a definition for a file, which trains as it is.

    It has types, ranges, categories, missing values and suspected special codes as they are in the
    file. Comments point out dates, likely leaks, protected columns and directions.
    """
    from training.drafting.draft import draft_definition, model_name

    path = output or Path(f"{model_name(file)}.toml")
    if path.suffix != ".toml":
        raise InvalidRequestError(f"{path}: a definition is a .toml file")
    if path.exists() and not force:
        raise InvalidRequestError(f"{path} exists; --force replaces it")
    with status(f"reading {file}"):
        draft = draft_definition(path.stem, file, target)
    path.write_text(draft.text, encoding="utf-8")
    for sentence in draft.remarks:
        remark(sentence)
    written = {"model": path.stem, "definition": str(path), "remarks": list(draft.remarks)}
    show(written, f"wrote {path}; check it, then train on it", as_json=as_json)


@app.command()
def check(
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="Name of a model; not with --definition.")
    ] = "",
    file: DataFile = "",
    definition: DefinitionFile = "",
    as_json: AsJson = False,
) -> None:
    """Say what is known of a definition and a file before training.

    The exit code is 0 where training can start; warnings do not count.
    """
    from training.data_check import check_data, check_definition

    if definition and model and not file:
        model, file = "", model  # scoreline check --definition NAME.toml FILE
    chosen = chosen_definition(model, definition)
    with status("checking"):
        found = check_data(chosen, file) if file else check_definition(chosen)
    for warning in found["warnings"]:
        remark(f"warning: {warning}")
    show(found, *_lines(found), as_json=as_json)


def _lines(found: dict[str, Any]) -> list[Any]:
    if "rows_read" not in found:
        return [f"{found['model']}: the definition keeps every rule"]
    memory = f"about {found['memory_mb']:,} MB"
    if found["available_mb"] is not None:
        memory += f" of {found['available_mb']:,} MB"
    tables = [left_out_table(found["left_out"])] if found["left_out"] else []
    return [
        *tables,
        f"{found['rows_read']:,} rows read; {found['training_rows']:,} to train on, "
        f"{found['test_rows']:,} to test on",
        f"memory for training: {memory}",
        f"{found['model']}: training can start",
    ]
