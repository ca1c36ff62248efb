"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.completion import complete_model, complete_version

Model = Annotated[
    str,
    typer.Argument(help="Name of the model, such as german-credit.", autocompletion=complete_model),
]
ModelOrAll = Annotated[
    str, typer.Argument(help="Show this model's versions.", autocompletion=complete_model)
]
ModelOrNone = Annotated[
    str,
    typer.Argument(help="Name of the model; not with --definition.", autocompletion=complete_model),
]
DefinitionFile = Annotated[
    str, typer.Option("--definition", help="A definition file of your own, in place of a name.")
]
NewestVersion = Annotated[
    str,
    typer.Argument(help="A version; the newest by default.", autocompletion=complete_version),
]
ChampionVersion = Annotated[
    str,
    typer.Argument(help="A version; the champion by default.", autocompletion=complete_version),
]
Bank = Annotated[
    str, typer.Argument(help="Name of the bank; default stands for requests that name none.")
]
Reason = Annotated[str, typer.Option(help="Why; the ledger keeps it.")]
Dataset = Annotated[
    str, typer.Option(help="File or folder, local or s3://; by default the definition's own.")
]
Stage = Annotated[
    str,
    typer.Option(
        envvar="SCORELINE_STAGE",
        help="Deployment: local, or a stage in the account of your AWS environment.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
HttpPort = Annotated[int, typer.Option(help="Port of the HTTP routes.")]
AwsPort = Annotated[int, typer.Option(help="Port of the local AWS services.")]
StateDir = Annotated[Path, typer.Option(help="Folder that keeps what was trained and promoted.")]
