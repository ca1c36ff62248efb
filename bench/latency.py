"""One application, from a dict to its answer, beside the ways of the libraries.

Run with `python -m bench.latency`; writes bench/results/latency.json and .md. One thread. Ours
computes exact contributions as well; the libraries get rows that are encoded already.
"""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from functools import partial
from itertools import cycle
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import xgboost

from bench import contenders
from bench.contenders import MODEL, applications, bundle
from bench.deployment import deployed, request
from bench.report import contenders_table, figures, in_turns, timed, write
from scoreline.core.versions import MODEL_FILE
from scoreline.scoring.application import ApplicationEncoder
from scoreline.scoring.model import ScoringModel
from scoreline.scoring.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.contenders import Rows
    from bench.report import Timing

DEPTH, ROUNDS, CALLS = 4, 21, 200
SCORE = "Scoreline: dict to probability and contributions"
COLUMNS = {
    "processor_us": "processor us",
    "times_ours": "processor, times ours",
    "wall_us": "wall us",
    "p99_us": "wall us, p99",
}


def ours() -> dict[str, Callable[[], object]]:
    """Our ways to score the next application."""
    from functions.predict.routes import lambda_handler  # reads the environment of the deployment

    content = bundle(DEPTH).files[MODEL_FILE]
    model, session = ScoringModel.from_onnx(content), Session(content)
    encoder = ApplicationEncoder(model.contract)
    dicts = cycle(applications(CALLS))
    events = cycle([request(application) for application in applications(CALLS)])
    arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    names = {"function_name": "bench", "aws_request_id": "bench", "invoked_function_arn": arn}
    context = SimpleNamespace(**names, memory_limit_in_mb=1769)

    def score() -> object:
        return session.run([encoder.encode(next(dicts))], ("probability", "contributions"))

    def answer() -> object:
        application = next(dicts)
        return model.answer([(application, model.encoder.encode(application))])

    def respond() -> object:
        response = lambda_handler(next(events), context)
        assert response["statusCode"] == 200, response
        return response

    return {
        SCORE: score,
        "Scoreline: dict to the whole answer, reasons included": answer,
        "Scoreline: REST event to response": respond,
        "Scoreline: load the model of a version": lambda: ScoringModel.from_onnx(content),
    }


def libraries(columns: Rows) -> dict[str, Callable[[], object]]:
    """How the libraries score and explain the next row."""
    booster = contenders.fitted(DEPTH).classifier.get_booster()
    booster.set_param({"nthread": 1})
    c_api, light = contenders.CApi(booster, columns.shape[1]), contenders.lightgbm_model(DEPTH)
    assert abs(c_api.predict(columns[:1]) - booster.inplace_predict(columns[:1])[0]) < 1e-6
    rows = cycle(columns[:, None, :])
    frame = contenders.loans(CALLS, 2).drop(columns=contenders.OUTCOME)
    frames = cycle([frame.iloc[i : i + 1] for i in range(CALLS)])
    tutorial = contenders.pipeline(DEPTH)

    def pred_contribs() -> object:
        return booster.predict(xgboost.DMatrix(next(rows), nthread=1), pred_contribs=True)

    return {
        "XGBoost: C API": lambda: c_api.predict(next(rows)),
        "XGBoost: inplace_predict": lambda: booster.inplace_predict(next(rows)),
        "XGBoost: pred_contribs": pred_contribs,
        "LightGBM: predict": lambda: light.predict(next(rows), num_threads=1),
        "LightGBM: pred_contrib": lambda: light.predict(
            next(rows), pred_contrib=True, num_threads=1
        ),
        "scikit-learn pipeline: predict_proba of a DataFrame": lambda: tutorial.predict_proba(
            next(frames)
        ),
    }


def measure() -> dict[str, list[Timing]]:
    """Timings of each contender's calls, round by round."""
    columns = contenders.design(DEPTH, contenders.matrix(CALLS, 2)[0])
    booster = contenders.fitted(DEPTH).classifier.get_booster()
    with deployed(MODEL, bundle(DEPTH)), contenders.peers(booster, columns) as ask:
        calls = {**ours(), **libraries(columns)}
        ways = {name: partial(timed, call, CALLS) for name, call in calls.items()}
        for way in ("daal4py", "daal4py contributions", "lignum"):
            ways[way] = lambda way=way: ask(way, slice(0, CALLS), CALLS)[0]
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # metrics are printed
            return in_turns(ways, ROUNDS)


def microseconds(timing: Timing) -> dict[str, float]:
    """Figures of a call."""
    wall = {"wall_us": np.median(timing.wall), "p99_us": np.percentile(timing.wall, 99)}
    found = {"processor_us": timing.processor / CALLS, **wall}
    return {name: 1e6 * float(seconds) for name, seconds in found.items()}


def main() -> None:
    """Measure, print and write."""
    rounds = {name: [microseconds(one) for one in found] for name, found in measure().items()}
    results = figures(rounds, times_ours=("processor_us", SCORE))
    title = f"one row, {contenders.TREES['n_estimators']} trees of depth {DEPTH}"
    write("latency", results, contenders_table(title, results, COLUMNS))


if __name__ == "__main__":
    main()
