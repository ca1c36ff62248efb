"""From a definition and a dataset to a bundle that can be published."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import train_test_split

from functions.shared.errors import DatasetError
from functions.shared.versions import BATCH_FILE, MANIFEST_FILE, MODEL_FILE, REPORT_FILE, digest
from training.algorithms import ALGORITHMS
from training.calibration import sigmoid, uncalibrated
from training.classification import classification
from training.dataset import load_dataset
from training.evaluation import METRICS, evaluate
from training.export import (
    batch_graph,
    online_graph,
    open_session,
    with_metadata,
    witness_graph,
)
from training.fairness import group_figures
from training.fitting import fit
from training.golden import golden_rows
from training.parity import Candidate, check_parity
from training.reference import build_reference
from training.report import render_report
from training.sweeps import check_age, check_monotone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from functions.shared.contract import Reference
    from training.dataset import Dataset
    from training.definition import Definition, Split
    from training.evaluation import Interval
    from training.fitting import FittedModel
    from training.parity import Parity

PACKAGES = (
    "scikit-learn",
    "xgboost-cpu",
    "lightgbm",
    "skl2onnx",
    "onnxmltools",
    "onnx",
    "onnxruntime",
)


CALIBRATION_FIGURES = (
    "brier",
    "calibration_error",
    "calibration_intercept",
    "calibration_slope",
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trained version: its id, the files to publish, and its AUC on the test set."""

    version: str
    files: Mapping[str, bytes]
    score: float


def train(
    definition: Definition,
    dataset_path: str,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Read, fit, evaluate, export and hold the result against the parity gate.

    Parameters
    ----------
    dataset_path : local path or `s3://` URL of a file or folder
    progress : told what is going on, a line at a time

    Raises
    ------
    TrainingError
        The dataset breaks the definition, the model cannot be exported, or ONNX and the pipeline
        disagree.
    """
    started = time.monotonic()
    progress(f"reading {dataset_path}")
    dataset = load_dataset(definition, dataset_path)
    train_rows, test_rows = split_rows(definition.split, dataset)
    model = fit(definition, dataset.X[train_rows], dataset.y[train_rows], progress)
    progress(f"evaluating on {len(test_rows):,} held-out rows")
    held_out = dataset.X[test_rows]
    metrics, calibration = _evaluate(model, held_out, dataset.y[test_rows])
    export = _export(definition, model, dataset.X[train_rows], held_out, progress)
    manifest = {
        "model": definition.name,
        "version": export.version,
        "trained_at": export.trained_at,
        "training_seconds": round(time.monotonic() - started, 1),
        **_provenance(definition, model),
        "dataset": _describe(dataset, dataset_path, train_rows, test_rows),
        "metrics": {name: asdict(interval) for name, interval in metrics.items()},
        "classification": classification(
            definition.contract(), model.log_odds(held_out), dataset.y[test_rows]
        ),
        "calibration": calibration,
        "fairness": _fairness(definition, model, dataset, test_rows),
        "monotone": export.monotone,
        "parity": asdict(export.parity),
        "reference": {"digest": export.reference.digest, **asdict(export.reference)},
        "golden": export.golden,
    }
    files = {**export.files, REPORT_FILE: render_report(manifest).encode()}
    manifest["files"] = {
        name: {"sha256": digest(body), "size": len(body)} for name, body in files.items()
    }
    files[MANIFEST_FILE] = json.dumps(manifest, indent=1, allow_nan=False).encode()
    return Bundle(export.version, files, metrics["auc"].value)


@dataclass(frozen=True, slots=True)
class _Export:
    version: str
    trained_at: str
    files: dict[str, bytes]
    parity: Parity
    monotone: dict[str, float]
    reference: Reference
    golden: list[dict[str, Any]]


def _evaluate(
    model: FittedModel, held_out: NDArray[np.float32], y: NDArray[np.int8]
) -> tuple[dict[str, Interval], dict[str, Any]]:
    """Figures on held-out rows at the sample's own default rate; calibration before and after."""
    margin = model.margin(held_out)
    probability = sigmoid(replace(model.calibration, shift=0.0).log_odds(margin))
    before = uncalibrated(margin, model.algorithm.link)
    figures = {
        "before": {name: METRICS[name](y, before) for name in CALIBRATION_FIGURES},
        "after": {name: METRICS[name](y, probability) for name in CALIBRATION_FIGURES},
    }
    return evaluate(y, probability), {**model.calibration.describe(), **figures}


def _fairness(
    definition: Definition, model: FittedModel, dataset: Dataset, rows: NDArray[np.int64]
) -> dict[str, Any]:
    """Figures of each protected feature's groups on the test rows."""
    contract = definition.contract()
    scores = [contract.score_scale.score(float(z)) for z in model.log_odds(dataset.X[rows])]
    approved = np.array([contract.decide(score) == "approve" for score in scores])
    return {
        feature.name: group_figures(
            feature, dataset.protected[feature.name][rows], approved, dataset.y[rows]
        )
        for feature in definition.protected
    }


def _export(
    definition: Definition,
    model: FittedModel,
    fitted: NDArray[np.float32],
    held_out: NDArray[np.float32],
    progress: Callable[[str], None],
) -> _Export:
    """Build the graphs, hold them against the model, and stamp them with contract and version."""
    progress("exporting to ONNX")
    plain = definition.contract()
    (online, expected_margin), batch = online_graph(model, plain), batch_graph(model, plain)
    graphs = (online, batch, witness_graph(model))
    sessions = [open_session(graph.SerializeToString()) for graph in graphs]
    progress("parity gate: ONNX against the fitted pipeline")
    parity = check_parity(
        model, plain, Candidate(sessions[0], sessions[1], sessions[2], expected_margin), held_out
    )
    progress("sweeps: monotone directions and age")
    monotone = check_monotone(plain, sessions[1], fitted, held_out)
    check_age(plain, sessions[1], held_out)
    reference = build_reference(definition, sessions[0], model.calibration, fitted)
    contract = definition.contract(reference)
    content = {"contract": contract.to_json(), "definition_digest": definition.digest}
    now = datetime.now(UTC).replace(microsecond=0)
    version = f"{now:%Y%m%dT%H%M%SZ}-{digest(with_metadata(online, content))[:8]}"
    stamp = {**content, "version": version, "trained_at": now.isoformat()}
    return _Export(
        version=version,
        trained_at=now.isoformat(),
        files={MODEL_FILE: with_metadata(online, stamp), BATCH_FILE: with_metadata(batch, stamp)},
        parity=parity,
        monotone=monotone,
        reference=reference,
        golden=golden_rows(contract, sessions[0], held_out),
    )


def split_rows(split: Split, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the training and the test rows.

    Raises
    ------
    DatasetError
        A part is empty or holds one class only.
    """
    rows = np.arange(len(dataset.y))
    if dataset.time is None:
        smallest = int(np.bincount(dataset.y, minlength=2).min())
        if smallest * min(split.test_share, 1 - split.test_share) < 1:
            raise DatasetError(f"{smallest} rows of one class are too few to hold out a test set")
        parts = train_test_split(
            rows, test_size=split.test_share, random_state=split.seed, stratify=dataset.y
        )
        return np.sort(parts[0]), np.sort(parts[1])
    latest = np.sort(dataset.time)[-max(round(len(rows) * split.test_share), 1)]
    late = dataset.time >= latest
    for part in (dataset.y[~late], dataset.y[late]):
        if len(set(part.tolist())) < 2:
            raise DatasetError(f"{split.column}: a side of the time split lacks a class")
    return rows[~late], rows[late]


def _provenance(definition: Definition, model: FittedModel) -> dict[str, Any]:
    """What it takes to train the version again."""
    algorithm = definition.algorithm
    return {
        "definition": definition.model_dump(mode="json"),
        "definition_digest": definition.digest,
        "algorithm": algorithm.name,
        "parameters": {**ALGORITHMS[algorithm.name].defaults, **algorithm.parameters},
        "environment": {
            "python": platform.python_version(),
            **{package: package_version(package) for package in PACKAGES},
        },
    }


def _describe(
    dataset: Dataset,
    path: str,
    train_rows: NDArray[np.int64],
    test_rows: NDArray[np.int64],
) -> dict[str, Any]:
    return {
        "path": path,
        "files": dataset.files,
        "fingerprint": dataset.fingerprint,
        "generated": dataset.generated,
        "rows_read": dataset.rows_read,
        "exclusions": dataset.exclusions,
        "unseen_categories": dataset.unseen,
        "no_amount": dataset.no_amount,
        "train": _sample(dataset.y[train_rows]),
        "test": _sample(dataset.y[test_rows]),
    }


def _sample(y: NDArray[np.int8]) -> dict[str, float]:
    return {"rows": len(y), "defaults": int(y.sum()), "bad_rate": round(float(y.mean()), 6)}
