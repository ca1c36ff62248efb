"""The loan-risk model as we train it, and the models that the same rows give in other libraries."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from scoreline.definition.files import load_definition
from training.generators.registry import generate, write
from training.train import train

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.train import Bundle

MODEL = "loan-risk"
OUTCOME = "default"
TRAINING_ROWS = 20_000
TREES = {"n_estimators": 300, "learning_rate": 0.08}


@cache
def definition(depth: int) -> Definition:
    """loan-risk with 300 trees of a depth."""
    algorithm = {"name": "xgboost", "parameters": {**TREES, "max_depth": depth}}
    shipped = load_definition(MODEL)
    return type(shipped).model_validate_json(
        json.dumps({**shipped.model_dump(mode="json"), "algorithm": algorithm})
    )


@cache
def bundle(depth: int) -> Bundle:
    """A trained version."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "loans.parquet")
        write(path, generate(MODEL, TRAINING_ROWS, 1))
        return train(definition(depth), str(path))


@cache
def loans(rows: int, seed: int) -> pd.DataFrame:
    """Invented applications with their outcome."""
    return pa.concat_tables(generate(MODEL, rows, seed)).to_pandas()


def applications(count: int, seed: int = 2) -> list[dict[str, Any]]:
    """Applications as a client sends them."""
    names = [feature.name for feature in definition(4).inputs]
    return pa.concat_tables(generate(MODEL, count, seed)).select(names).to_pylist()


def matrix(rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Invented applications as numbers, categories as codes, and their outcome."""
    frame = loans(rows, seed).copy()
    outcome = frame.pop(OUTCOME).to_numpy()
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.codes
    return frame.to_numpy(np.float32), outcome


@cache
def booster(depth: int) -> Any:
    """XGBoost on the plain numbers of the same rows, one thread."""
    import xgboost

    model = xgboost.XGBClassifier(**TREES, max_depth=depth, n_jobs=1)
    found = model.fit(*matrix(TRAINING_ROWS, 1)).get_booster()
    found.set_param({"nthread": 1})
    return found


@cache
def pipeline(depth: int) -> Any:
    """What tutorials deploy: one-hot encoding and XGBoost in a scikit-learn pipeline."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from xgboost import XGBClassifier

    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        remainder="passthrough",
    )
    frame = loans(TRAINING_ROWS, 1)
    classify = XGBClassifier(**TREES, max_depth=depth, n_jobs=1)
    return make_pipeline(encode, classify).fit(frame.drop(columns=OUTCOME), frame[OUTCOME])


@cache
def lightgbm_model(depth: int) -> Any:
    """LightGBM on the same numbers."""
    import lightgbm

    parameters = {**TREES, "max_depth": depth, "num_leaves": 2**depth}
    model = lightgbm.LGBMClassifier(**parameters, n_jobs=1, verbose=-1)
    return model.fit(*matrix(TRAINING_ROWS, 1)).booster_
