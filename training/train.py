"""From a definition and a dataset to a bundle that can be published."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scoreline.core.versions import (
    BATCH_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    REPORT_FILE,
    TRAINING_ROWS_FILE,
    digest,
)
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.derived_warnings import derived_warnings
from scoreline.definition.model import DefaultDefinition, RecommendationDefinition
from training.data.load import load_dataset
from training.data.memory import available_mb, check_memory
from training.data.split import split_rows
from training.data.stable_order import in_stable_order
from training.data.training_rows import TrainingRows
from training.data.unseen import refuse_unlisted
from training.environment import environment
from training.export.metadata import with_metadata
from training.fit.tuning import tune
from training.gates.judge import judge
from training.incumbents.champion import Incumbents
from training.incumbents.test_sets import describe_test_set
from training.recipes.default import train_default
from training.recipes.recommendation import train_recommendation
from training.report.figures.states import unlearned_warnings
from training.report.page import render_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.export.trained_model import TrainedModel

NO_INCUMBENTS = Incumbents()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trained version: its id, the files to publish, and its score on the test set.

    The score is the AUC, or the MAP of a recommendation; the status is that of its gates.
    """

    version: str
    files: Mapping[str, bytes]
    score: float
    status: str


def train(
    definition: Definition,
    dataset_path: str,
    *,
    trained_by: str = "",
    incumbents: Incumbents = NO_INCUMBENTS,
    progress: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Read a dataset, fit, evaluate and export a model, and apply the gates.

    Parameters
    ----------
    dataset_path : local path or `s3://` URL of a file or folder
    trained_by : the identity that requested the training, which may not approve the version
    incumbents : the versions that the new one is compared with
    progress : called with a line of text at each step

    Raises
    ------
    TrainingError
        The dataset does not match the definition, the model cannot be exported, or ONNX and the
        pipeline disagree.
    """
    progress(f"reading {dataset_path}")
    check_memory(definition, dataset_path, available_mb())
    return train_on(
        _read(definition, dataset_path),
        definition,
        dataset_path,
        trained_by=trained_by,
        incumbents=incumbents,
        progress=progress,
    )


def _read(definition: Definition, path: str) -> Dataset:
    dataset = load_dataset(definition, path)
    refuse_unlisted(dataset)
    return dataset


def train_on(
    dataset: Dataset,
    definition: Definition,
    dataset_path: str,
    *,
    study: Mapping[str, Any] | None = None,
    trained_by: str = "",
    incumbents: Incumbents = NO_INCUMBENTS,
    progress: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Train on a dataset that has been read.

    Parameters
    ----------
    study : the `tuning` section of a manifest, used instead of a search
    """
    started = time.monotonic()
    # Folds and samples are drawn by position, so rows are put in an order of their content. The
    # split comes first: versions whose definitions differ keep their test rows.
    parts = split_rows(definition.split, dataset)
    fitted, held_out = (in_stable_order(dataset.take(rows)) for rows in parts)
    description = _describe(definition, dataset, dataset_path, sum(map(len, parts)))
    del dataset  # both parts are copies
    if isinstance(definition, DefaultDefinition) and definition.tuning and study is None:
        study = tune(definition, fitted, progress).to_json()
    chosen = definition.with_parameters(study["best_parameters"]) if study else definition
    trained = _fit_and_export(chosen, fitted, held_out, progress)
    progress("gates")
    judgement = judge(
        definition, trained, fitted, held_out, path=dataset_path, incumbents=incumbents
    )
    stamp = _stamp(definition, trained)
    manifest = {
        "model": definition.name,
        "version": stamp["version"],
        "trained_at": stamp["trained_at"],
        "trained_by": trained_by,
        "promotion": definition.promotion,
        "watch": definition.watch.model_dump(),
        "training_seconds": round(time.monotonic() - started, 1),
        **_provenance(definition, chosen),
        **({"tuning": study} if study else {}),
        "dataset": {**description, **trained.samples},
        "warnings": [
            *derived_warnings(definition.contract()),
            *unlearned_warnings(trained.sections["states"]),
        ],
        "metrics": {name: asdict(interval) for name, interval in trained.metrics.items()},
        **trained.sections,
        **judgement.to_json(),
        "test_set": describe_test_set(held_out, incumbents.judged),
        "golden": trained.golden,
    }
    files = _files(trained, stamp, manifest, TrainingRows.of(fitted).to_bytes())
    return Bundle(stamp["version"], files, trained.score, judgement.status)


def _stamp(definition: Definition, trained: TrainedModel) -> dict[str, str]:
    """Metadata of both graphs; the version's id is the time and a digest of the content."""
    now = datetime.now(UTC).replace(microsecond=0)
    content = {"contract": trained.contract.to_json(), "definition_digest": definition.digest}
    version = f"{now:%Y%m%dT%H%M%SZ}-{digest(with_metadata(trained.online, content))[:8]}"
    return {**content, "version": version, "trained_at": now.isoformat()}


def _files(
    trained: TrainedModel, stamp: Mapping[str, str], manifest: dict[str, Any], training_rows: bytes
) -> dict[str, bytes]:
    """All files of the version; the manifest lists the digests of the others."""
    files = {
        MODEL_FILE: with_metadata(trained.online, stamp),
        BATCH_FILE: with_metadata(trained.batch, stamp),
        REPORT_FILE: render_report(manifest).encode(),
        TRAINING_ROWS_FILE: training_rows,
    }
    listed = {name: {"sha256": digest(body), "size": len(body)} for name, body in files.items()}
    complete = {**manifest, "files": listed}
    return {**files, MANIFEST_FILE: json.dumps(complete, indent=1, allow_nan=False).encode()}


def _fit_and_export(
    definition: Definition, fitted: Dataset, held_out: Dataset, progress: Callable[[str], None]
) -> TrainedModel:
    match definition:
        case DefaultDefinition():
            return train_default(definition, fitted, held_out, progress)
        case RecommendationDefinition():
            return train_recommendation(definition, fitted, held_out, progress)
    raise AssertionError("a definition has one of the two tasks")


def _provenance(definition: Definition, chosen: Definition) -> dict[str, Any]:
    """Everything needed to train the version again; `chosen` has the fitted parameters."""
    algorithm = chosen.algorithm
    return {
        "definition": definition.model_dump(mode="json"),
        "definition_digest": definition.digest,
        "algorithm": algorithm.name,
        "parameters": {**ALGORITHMS[algorithm.name].defaults, **algorithm.parameters},
        "environment": environment(),
    }


def _describe(
    definition: Definition, dataset: Dataset, path: str, rows_used: int
) -> dict[str, Any]:
    earlier = len(dataset.y) - rows_used
    rule = f"{definition.group}: an earlier row of one that is held out"
    return {
        "path": path,
        "files": dataset.files,
        "sources": dataset.sources,
        "fingerprint": dataset.fingerprint,
        "generated": dataset.generated,
        "rows_read": dataset.rows_read,
        "exclusions": dataset.exclusions | ({rule: earlier} if earlier else {}),
        "repeated_rows": dataset.repeated,
        "unseen_categories": dataset.unseen,
        "no_amount": dataset.no_amount,
    }
