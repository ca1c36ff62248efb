"""The loan-risk model as we train it, and the other ways to score with the same trees or rows."""

from __future__ import annotations

import ctypes
import json
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bench.report import Timing
from local.template import ROOT
from scoreline.definition.files import load_definition
from training.data.load import load_dataset
from training.fit.model import fit
from training.generators.registry import generate, write
from training.train import train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    import xgboost
    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.fit.model import FittedModel
    from training.train import Bundle

    type Rows = NDArray[np.float32]

MODEL = "loan-risk"
OUTCOME = "default"
TRAINING_ROWS = 20_000
TREES = {"n_estimators": 300, "learning_rate": 0.08}
BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PEERS = Path(__file__).parent / "peers"


@cache
def definition(depth: int) -> Definition:
    """loan-risk with 300 trees of a depth."""
    return load_definition(MODEL).with_parameters({**TREES, "max_depth": depth})


@cache
def bundle(depth: int) -> Bundle:
    """A trained version."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "loans.parquet")
        write(path, generate(MODEL, TRAINING_ROWS, 1))
        return train(definition(depth), str(path))


@cache
def fitted(depth: int) -> FittedModel:
    """The pipeline alone; its classifier has the trees that all contenders score with."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "loans.parquet")
        write(path, generate(MODEL, TRAINING_ROWS, 1))
        return fit(definition(depth), load_dataset(definition(depth), str(path)))


@cache
def loans(rows: int, seed: int) -> pd.DataFrame:
    """Invented applications with their outcome."""
    return pa.concat_tables(generate(MODEL, rows, seed)).to_pandas()


def applications(count: int, seed: int = 2) -> list[dict[str, Any]]:
    """Applications as a client sends them."""
    names = [feature.name for feature in definition(4).inputs]
    return pa.concat_tables(generate(MODEL, count, seed)).select(names).to_pylist()


def matrix(rows: int, seed: int) -> tuple[Rows, NDArray[np.int8]]:
    """Invented applications as numbers, categories as codes, and their outcome."""
    frame = loans(rows, seed).copy()
    outcome = frame.pop(OUTCOME).to_numpy()
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.codes
    return frame.to_numpy(np.float32), outcome


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
    """LightGBM on the design matrix of the same rows."""
    import lightgbm

    X, y = matrix(TRAINING_ROWS, 1)
    parameters = {**TREES, "max_depth": depth, "num_leaves": 2**depth}
    model = lightgbm.LGBMClassifier(**parameters, n_jobs=1, verbose=-1)
    return model.fit(design(depth, X), y).booster_


def design(depth: int, X: Rows) -> Rows:
    """The columns that the trees read, shape (n_rows, n_columns)."""
    columns: Rows = fitted(depth).pipeline[0].transform(X)
    return columns


class CApi:
    """XGBoost's C API for one row: a buffer, and a request that is written once."""

    def __init__(self, booster: xgboost.Booster, width: int) -> None:
        from xgboost.core import _LIB

        self._row = np.empty((1, width), np.float32)
        address = {"data": [self._row.ctypes.data, True], "shape": [1, width]}
        values = json.dumps({**address, "typestr": "<f4", "version": 3}).encode()
        options = {"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0}
        config = json.dumps({**options, "missing": float("nan"), "strict_shape": False}).encode()
        self._result = ctypes.POINTER(ctypes.c_float)()
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        out = (ctypes.byref(of) for of in (shape, dimensions, self._result))
        self._arguments = (booster.handle, values, config, None, *out)
        self._predict = _LIB.XGBoosterPredictFromDense

    def predict(self, row: Rows) -> float:
        """The probability of a row of shape (1, n_columns)."""
        self._row[:] = row
        assert self._predict(*self._arguments) == 0
        return self._result[0]


type Ask = Callable[..., tuple[Timing, Any]]


@contextmanager
def peers(booster: xgboost.Booster, rows: Rows) -> Iterator[Ask]:
    """daal4py and lignum with the trees of a booster, in a process of .venv-bench.

    `ask(way, part, calls=1, threads=1)` gives the timing of so many calls that share a part of the
    rows, and the first answers: probabilities, or contributions with the bias as the last column.
    """
    with TemporaryDirectory() as folder:
        booster.save_model(Path(folder, "trees.json"))
        np.save(Path(folder, "rows.npy"), rows)
        command = [BENCH_PYTHON, PEERS / "trees.py", folder]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, **pipes, text=True, bufsize=1) as process:

            def ask(way: str, part: slice, calls: int = 1, threads: int = 1) -> tuple[Timing, Any]:
                print(json.dumps([way, part.start, part.stop, calls, threads]), file=process.stdin)
                found = json.loads(process.stdout.readline())
                return Timing(**found["timing"]), np.array(found["answers"])

            yield ask
            process.stdin.close()
