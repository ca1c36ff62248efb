"""Contributions, calibration and reasons on the Taiwan credit card data, beside their peers.

Contributions of every algorithm's ONNX graph are held against the library's own TreeSHAP (XGBoost's
and LightGBM's `pred_contribs`) and against shap; calibration is shown before and after; the reasons
of ten declined applicants are printed as a loan officer would read them.

    DATA_DIR=... python -m bench.explanations

DATA_DIR is a folder that holds `taiwan_default.parquet` (UCI, 30,000 rows).
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from scoreline.core.versions import MANIFEST_FILE, MODEL_FILE
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.files import load_definition
from scoreline.scoring.many_rows import open_session, run_rows
from scoreline.scoring.model import ScoringModel
from training.data.dataset import load_dataset
from training.data.split import split_rows
from training.evaluate.metrics import brier, calibration_error
from training.export.graphs import online_graph
from training.fit.calibration import sigmoid, uncalibrated
from training.fit.model import fit
from training.train import train

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.fit.model import FittedModel

MODEL = "taiwan-default"
FILE = "taiwan_default.parquet"
ROWS = 300
RESULTS = Path(__file__).parent / "results" / "explanations.json"


@dataclass(frozen=True, slots=True)
class Explained:
    """Largest differences in margin, and calibration, of one algorithm."""

    algorithm: str
    library: float | None
    shap: float
    total: float
    ece_before: float
    ece_after: float
    brier_before: float
    brier_after: float
    megabytes: float


def main() -> None:
    """Print the tables and write `results/explanations.json`."""
    folder = os.environ.get("DATA_DIR", "")
    path = Path(folder, FILE)
    if not path.is_file():
        sys.exit(f"skipped: DATA_DIR names no folder with {FILE}")
    warnings.filterwarnings("ignore")
    results = [explain(name, str(path)) for name in ALGORITHMS]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([vars_of(result) for result in results], indent=1) + "\n")
    show(results)
    letters(str(path))


def explain(algorithm: str, path: str) -> Explained:
    """Fit one algorithm and compare what its graph says with the peers."""
    plain = load_definition(MODEL).model_dump()
    for feature in plain["features"]:
        feature["monotone"] = None  # so that every algorithm can fit the same definition
    definition = type(load_definition(MODEL)).model_validate_json(
        json.dumps({**plain, "algorithm": {"name": algorithm}})
    )
    dataset = load_dataset(definition, path)
    train_rows, test_rows = split_rows(definition.split, dataset)
    model = fit(definition, dataset.X[train_rows], dataset.y[train_rows])
    graph, expected = online_graph(model, definition.contract())
    content = graph.SerializeToString()
    X = dataset.X[test_rows]
    margin, found = run_rows(open_session(content), X[:ROWS], ["margin", "contributions"])
    library, peer = peers(model, X[:ROWS], found.shape[1])
    own = model.margin(X)
    y, before, after = (
        dataset.y[test_rows],
        uncalibrated(own, model.estimator.link),
        sigmoid(model.calibration.log_odds(own)),
    )
    return Explained(
        algorithm=algorithm,
        library=None if library is None else float(np.abs(found - library).max()),
        shap=float(np.abs(found - peer).max()),
        total=float(np.abs(margin[:, 0] - expected - found.sum(axis=1)).max()),
        ece_before=calibration_error(y, before),
        ece_after=calibration_error(y, after),
        brier_before=brier(y, before),
        brier_after=brier(y, after),
        megabytes=len(content) / 1e6,
    )


def peers(
    model: FittedModel, X: NDArray[np.float32], width: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Contributions per source by the library itself, where it has them, and by shap."""
    import shap

    columns = model.pipeline[:-1].transform(X)
    to_source = np.eye(width)[[column.source for column in model.columns]]
    classifier = model.classifier
    if model.estimator.algorithm.linear:
        masker = shap.maskers.Independent(model.pipeline["scale"].mean_[None, :] * 0, 1)
        values = shap.LinearExplainer(classifier, masker).shap_values(columns)
        return None, np.asarray(values) @ to_source
    values = shap.TreeExplainer(classifier, feature_perturbation="tree_path_dependent").shap_values(
        columns, check_additivity=False
    )
    if isinstance(values, list) or np.ndim(values) == 3:
        values = values[1] if isinstance(values, list) else values[:, :, 1]
    name = type(classifier).__name__
    own = None
    if name == "XGBClassifier":
        import xgboost

        own = classifier.get_booster().predict(xgboost.DMatrix(columns), pred_contribs=True)
    elif name == "LGBMClassifier":
        own = classifier.booster_.predict(columns, pred_contrib=True)
    by_library = None if own is None else np.asarray(own)[:, :-1] @ to_source
    return by_library, np.asarray(values) @ to_source


def show(results: list[Explained]) -> None:
    """The table of all algorithms."""
    table = Table("algorithm", title=f"Taiwan, {ROWS} held-out rows; calibration on 7,500")
    for column in (
        "max diff to library",
        "to shap",
        "sum to margin",
        "ECE before",
        "after",
        "Brier before",
        "after",
        "MB",
    ):
        table.add_column(column, justify="right")
    for r in results:
        table.add_row(
            r.algorithm,
            "-" if r.library is None else f"{r.library:.1e}",
            f"{r.shap:.1e}",
            f"{r.total:.1e}",
            *(f"{v:.4f}" for v in (r.ece_before, r.ece_after, r.brier_before, r.brier_after)),
            f"{r.megabytes:.2f}",
        )
    Console(width=120).print(table)


def letters(path: str) -> None:
    """Reasons of ten declined applicants."""
    definition = load_definition(MODEL)
    bundle = train(definition, path)
    model = ScoringModel.from_onnx(bundle.files[MODEL_FILE])
    dataset = load_dataset(definition, path)
    _, test_rows = split_rows(definition.split, dataset)
    rows: list[Any] = dataset.X[test_rows[:400]].tolist()
    answers = model.answer([({"id": f"row {i}"}, row) for i, row in enumerate(rows)])
    declined = [answer for answer in answers if answer["decision"] == "decline"][:10]
    for answer in declined:
        print(
            f"{answer['id']}: declined with {answer['score']} points, probability of default "
            f"{answer['probability_of_default']:.1%}. Principal reasons:"
        )
        for reason in answer["reasons"]:
            print(f"  {reason['code']} {reason['text']} ({reason['points']} points)")
    print(f"version {json.loads(bundle.files[MANIFEST_FILE])['version']}")


def vars_of(result: Explained) -> dict[str, Any]:
    """The figures as JSON."""
    return {name: getattr(result, name) for name in result.__slots__}


if __name__ == "__main__":
    main()
