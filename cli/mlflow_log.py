"""Logs a published version to MLflow: parameters, figures, files, and a version of its model."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import MlflowError
from scoreline.core.versions import MANIFEST_FILE, TRAINING_ROWS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from training.train import Bundle

FOLDER = "bundle"
# By default MLflow waits two minutes, tries seven times, and prints to standard output.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def log_version(uri: str, model: str, bundle: Bundle) -> None:
    """Log a run to the experiment of the model's name and register its version there.

    The training rows are left out: they are hashes of people.

    Parameters
    ----------
    uri : of a tracking server, or of a folder or database that MLflow knows

    Raises
    ------
    MlflowError
        MLflow is not installed, does not answer or refuses.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise MlflowError(
            f"{bundle.version} is published but not logged: MLflow is not installed; "
            "install scoreline[mlflow]"
        ) from error
    try:
        _log(MlflowClient(uri, uri), model, bundle)
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MlflowError(
            f"{bundle.version} is published but not logged to MLflow: {reason}"
        ) from error


def _log(client: Any, model: str, bundle: Bundle) -> None:
    from mlflow.entities import Metric, Param, RunTag

    manifest = json.loads(bundle.files[MANIFEST_FILE])
    run = client.create_run(_experiment(client, model), run_name=bundle.version)
    run_id = run.info.run_id
    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in _figures(manifest["metrics"])],
        params=[Param(name, str(value)) for name, value in _parameters(manifest).items()],
        tags=[RunTag(name, value) for name, value in _tags(manifest).items()],
    )
    with TemporaryDirectory(prefix="scoreline-mlflow-") as folder:
        for name, content in bundle.files.items():
            if name != TRAINING_ROWS_FILE:
                Path(folder, name).write_bytes(content)
        client.log_artifacts(run_id, folder, FOLDER)
    client.set_terminated(run_id)
    _register(client, model, run_id, f"{run.info.artifact_uri}/{FOLDER}", _tags(manifest))


def _experiment(client: Any, model: str) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", model)
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _register(client: Any, model: str, run_id: str, source: str, tags: Mapping[str, str]) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    client.create_model_version(model, source, run_id, tags=dict(tags), await_creation_for=0)


def _parameters(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the version was trained with: the algorithm and its parameters, the data, the code."""
    algorithm = manifest["algorithm"]
    dataset = manifest["dataset"]
    return {
        "algorithm": algorithm,
        **manifest["parameters"],
        "dataset": dataset["path"],
        "dataset_fingerprint": dataset["fingerprint"],
        "definition_digest": manifest["definition_digest"],
    }


def _figures(metrics: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    """Each figure, and its confidence interval where it has one."""
    for name, figure in metrics.items():
        for suffix, key in (("", "value"), ("_low", "low"), ("_high", "high")):
            if isinstance(figure.get(key), int | float):
                yield f"{name}{suffix}", float(figure[key])


def _tags(manifest: Mapping[str, Any]) -> dict[str, str]:
    gates = {f"gate.{g['gate']}": str(g["passed"]).lower() for g in manifest["gates"]}
    return {"scoreline.version": manifest["version"], "status": manifest["status"], **gates}
