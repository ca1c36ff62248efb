"""Shell completion: models from their definitions, versions from the local stack."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import typer

import models
from local.environment import AWS_PORT, HOST, SETTINGS, STAGE

TIMEOUT_S = 0.5
DEFINITIONS = Path(models.__file__).parent
MANIFEST = re.compile(r"<Key>models/[^/]+/([^/]+)/manifest\.json</Key>")


def complete_model(incomplete: str) -> list[str]:
    """Models that have a definition."""
    names = sorted(path.stem for path in DEFINITIONS.glob("*.toml"))
    return [name for name in names if name.startswith(incomplete)]


def complete_pipeline(incomplete: str) -> list[str]:
    """Feature pipelines that a definition names."""
    named = {_pipeline(path) for path in DEFINITIONS.glob("*.toml")} - {""}
    return sorted(name for name in named if name.startswith(incomplete))


def _pipeline(definition: Path) -> str:
    return str(tomllib.loads(definition.read_text(encoding="utf-8")).get("pipeline", ""))


def complete_version(context: typer.Context, incomplete: str) -> list[str]:
    """Versions of the model, newest first; none for a stage in AWS, which would take seconds."""
    if context.params.get("stage", STAGE) != STAGE:
        return []
    found = local_versions(context.params.get("model") or "")
    return [version for version in found if version.startswith(incomplete)]


def local_versions(model: str) -> list[str]:
    """Versions in the local stack, newest first; none where it does not answer at once."""
    from http.client import HTTPException
    from urllib.request import urlopen

    # boto3 would take a second to load, and moto answers requests without a signature.
    endpoint = os.environ.get("AWS_ENDPOINT_URL", f"http://{HOST}:{AWS_PORT}")
    url = f"{endpoint}/{SETTINGS.bucket}?list-type=2&prefix=models/{model}/"
    try:
        with urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - of this machine
            listing = answer.read().decode()
    except (OSError, HTTPException, ValueError):  # no answer, or no valid address to ask
        return []
    return sorted(MANIFEST.findall(listing), reverse=True)
