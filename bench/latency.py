"""One application, from a dict to its probability, beside the libraries' own ways.

Run with `python -m bench.latency`; writes bench/results/latency.json and .md. One thread; each
round lets every contender score the same applications in turn: read the ratios. Ours gives the
exact contributions of every feature too, the others give the probability alone.
"""

from __future__ import annotations

import json
import os
from contextlib import redirect_stdout
from functools import partial
from itertools import cycle
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
from moto.server import ThreadedMotoServer

from bench.contenders import MODEL, applications, booster, bundle, lightgbm_model, loans, pipeline
from bench.report import in_turns, ratios, shown, spread, table, write
from scoreline.aws.registry import ModelRegistry
from scoreline.core.settings import Settings
from scoreline.core.versions import MODEL_FILE, Pointer, Routing, VersionRef, digest
from scoreline.scoring.application import ApplicationEncoder
from scoreline.scoring.model import ScoringModel
from scoreline.scoring.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH = 4
ROUNDS = 21
CALLS = 200
SETTINGS = Settings.for_account("bench", "123456789012")
ANSWER = "Scoreline: dict to the whole answer, reasons included"
SCORE = "Scoreline: dict to probability and contributions"
EVENT = "Scoreline: REST event to response"
SKLEARN = "scikit-learn pipeline: predict_proba of a DataFrame row"
XGBOOST = "XGBoost: inplace_predict of an encoded row"
LIGHTGBM = "LightGBM: predict of an encoded row"


def microseconds(call: Callable[[], object], count: int = CALLS) -> list[float]:
    """Duration of each of so many calls."""
    times = []
    for _ in range(count):
        started = perf_counter()
        call()
        times.append(1e6 * (perf_counter() - started))
    return times


def contenders(content: bytes, handler: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """What each does with the next application."""
    model, session = ScoringModel.from_onnx(content), Session(content)
    encoder = ApplicationEncoder(model.contract)
    dicts = cycle(applications(CALLS))
    frame = loans(CALLS, 2).drop(columns="default")
    frames = cycle([frame.iloc[i : i + 1] for i in range(CALLS)])
    codes = frame.assign(**{n: frame[n].cat.codes for n in frame.select_dtypes("category")})
    rows = cycle(codes.to_numpy(np.float32)[:, None, :])
    tutorial, native, light = pipeline(DEPTH), booster(DEPTH), lightgbm_model(DEPTH)
    events = cycle([_event(application) for application in applications(CALLS)])
    context = _context()

    def score() -> object:
        return session.run([encoder.encode(next(dicts))], ("probability", "contributions"))

    def answer() -> object:
        application = next(dicts)
        return model.answer([(application, model.encoder.encode(application))])

    def respond() -> object:
        response = handler(next(events), context)
        assert response["statusCode"] == 200
        return response

    return {
        SCORE: score,
        ANSWER: answer,
        EVENT: respond,
        XGBOOST: lambda: native.inplace_predict(next(rows)),
        LIGHTGBM: lambda: light.predict(next(rows), num_threads=1),
        SKLEARN: lambda: tutorial.predict_proba(next(frames)),
    }


def _event(application: dict[str, Any]) -> dict[str, Any]:
    return {
        "resource": "/predict",
        "path": "/predict",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "pathParameters": None,
        "requestContext": {"resourcePath": "/predict", "httpMethod": "POST", "stage": "bench"},
        "body": json.dumps(application),
        "isBase64Encoded": False,
    }


def _context() -> Any:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    return SimpleNamespace(
        function_name="bench",
        aws_request_id="bench",
        memory_limit_in_mb=1769,
        invoked_function_arn=arn,
    )


def deployed(url: str) -> Callable[[Any, Any], Any]:
    """The handler of the predict function, its model published on a moto server."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
        "SCORELINE_STAGE": SETTINGS.stage,
        "SCORELINE_BUCKET": SETTINGS.bucket,
        "SCORELINE_POINTER_MAX_AGE_S": "3600",  # without AWS I/O
    }
    boto3.client("s3").create_bucket(Bucket=SETTINGS.bucket)
    registry, made = ModelRegistry.connect(SETTINGS), bundle(DEPTH)
    registry.publish(MODEL, made.version, made.files)
    registry.write_pointer(MODEL, Pointer(VersionRef(made.version, digest(made.files[MODEL_FILE]))))
    registry.write_routing(Routing(MODEL, {}))
    from functions.predict.routes import lambda_handler

    return lambda_handler


def measure(url: str) -> dict[str, list[list[float]]]:
    """Durations of each contender's calls, round by round."""
    calls = contenders(bundle(DEPTH).files[MODEL_FILE], deployed(url))
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # metrics go there
        return in_turns({name: partial(microseconds, call) for name, call in calls.items()}, ROUNDS)


def figures(rounds: dict[str, list[list[float]]]) -> dict[str, Any]:
    """Medians, tails and ratios to ours."""
    ours = [float(np.median(times)) for times in rounds[SCORE]]
    results = {}
    for name, found in rounds.items():
        medians = [float(np.median(times)) for times in found]
        tails = [float(np.percentile(times, 99)) for times in found]
        results[name] = {
            "median_us": spread(medians),
            "p99_us": spread(tails),
            "p99_to_median": ratios(tails, medians),
            "times_ours": ratios(medians, ours),
        }
    return results


def main() -> None:
    """Measure, print and write."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    results = figures(measure("http://{}:{}".format(*server.get_host_and_port())))
    server.stop()
    rows = [
        [name, *(shown(one[key]) for key in ("median_us", "p99_us", "p99_to_median", "times_ours"))]
        for name, one in results.items()
    ]
    head = ["one row, 300 trees of depth 4", "median us", "p99 us", "p99 to median", "times ours"]
    write("latency", results, table(head, rows))


if __name__ == "__main__":
    main()
