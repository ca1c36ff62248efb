"""The predict function: scores applications over HTTP and by direct invocation."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial, wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, cast

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from scoreline.api.http import (
    Request,
    Response,
    answer_directly,
    dispatch,
    is_http,
    within_limit,
)
from scoreline.api.scoring_requests import BATCH, ROUTED, ROUTED_BATCH, direct_table
from scoreline.aws.light.client import LightClient
from scoreline.aws.reader import ModelReader
from scoreline.core.errors import InvalidApplicationError, ScorelineError
from scoreline.core.log import logger
from scoreline.core.settings import Settings
from scoreline.scoring.online import OnlineFeatures
from scoreline.serving.champions import ChampionCache
from scoreline.serving.verification import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scoreline.api.http import Route
    from scoreline.api.operations_answers import Health, ServingStatus
    from scoreline.api.scoring_answers import (
        Answer,
        BatchResults,
        Verification,
    )
    from scoreline.core.versions import Watch
    from scoreline.scoring.model import ScoringModel
    from scoreline.scoring.online import Applicant
    from scoreline.serving.champions import LoadedChampion
    from scoreline.serving.watch import ChampionWatch

    type Body = dict[str, Any]
    type Score[A] = Callable[[ScoringModel, Body, Sequence[str]], A]
    type ScoreWatched[A] = Callable[[LoadedChampion, Body, Sequence[str]], A]

WATCH_TIMEOUT_S = 0.5  # a count that is lost is better than an answer that is late
metrics = Metrics(namespace="Scoreline", service="predict")


@cache
def aws() -> LightClient:
    """The client of SSM, S3 and DynamoDB."""
    return LightClient.connect()


@cache
def registry() -> ModelReader:
    """The registry of this deployment."""
    return ModelReader(Settings.from_env(), aws())


@cache
def champions() -> ChampionCache:
    """The champions of this deployment."""
    return ChampionCache(registry(), on_problem=report_problem, start_watch=start_watch)


@cache
def online_features() -> OnlineFeatures:
    """The online features of this deployment's customers."""
    return OnlineFeatures(Settings.from_env().features_table, aws().get_item)


def report_problem(model: str | None, problem: str) -> None:
    """Log and count that a pointer, or for None the routing, cannot be followed."""
    logger.warning("serving is degraded", model=model, problem=problem)
    metrics.add_metric("StaleChampion" if model else "StaleRouting", MetricUnit.Count, 1)


def start_watch(watch: Watch, model: ScoringModel, replaced: ScoringModel | None) -> ChampionWatch:
    """Compare a new champion with the one that it replaced."""
    from scoreline.serving.watch import ChampionWatch, load_shadow  # few processes see a promotion

    table = registry().settings.watches_table
    short_timeout_client = LightClient.connect(timeout_s=WATCH_TIMEOUT_S)
    return ChampionWatch(
        watch,
        model,
        replaced or load_shadow(registry(), model.contract.model, watch.shadow),
        read_applicant=read_applicant,
        add=partial(short_timeout_client.add, table),
    )


def read_applicant(model: ScoringModel, body: Mapping[str, Any]) -> Applicant:
    """The application of a request, encoded with the customer's looked-up features."""
    return online_features().applicant(model, body)


def watched[A: Mapping[str, object]](score: Score[A]) -> ScoreWatched[A]:
    """Score with a champion, and let its watch see the answer or the error."""

    @wraps(score)
    def observed(champion: LoadedChampion, body: Body, languages: Sequence[str]) -> A:
        if champion.observer is None:
            return score(champion.model, body, languages)
        return champion.observer.observe(partial(score, champion.model, body, languages), body)

    return observed


def scoring(score: Callable[[Request], Mapping[str, object]]) -> Route:
    """A route whose answer says how long it took, the loading of a model included."""

    @wraps(score)
    def route(request: Request) -> Response:
        started = perf_counter()
        return Response({**score(request), "processing_time_ms": elapsed_ms(started)})

    return route


def elapsed_ms(started: float) -> float:
    """Milliseconds since `started`."""
    return round(1000 * (perf_counter() - started), 3)


@scoring
def predict(request: Request) -> Answer:
    """Score an application for the default model, or for the model of its `bank`."""
    languages, body = request.languages, request.json_object()
    application = ROUTED.read(body, InvalidApplicationError)
    return score_one(routed(application), application, languages)


@scoring
def predict_batch(request: Request) -> BatchResults:
    """Score many applications for the default model, or for the model of the `bank`."""
    languages, body = request.languages, request.json_object()
    batch = ROUTED_BATCH.read(body, InvalidApplicationError)
    return score_many(routed(batch), batch, languages)


@scoring
def predict_model(request: Request) -> Answer:
    """Score an application for the model in the path."""
    champion = champions().get(request.path["model"])
    return score_one(champion, request.json_object(), request.languages)


@scoring
def predict_model_batch(request: Request) -> BatchResults:
    """Score many applications for the model in the path."""
    champion = champions().get(request.path["model"])
    body = BATCH.read(request.json_object(), InvalidApplicationError)
    return score_many(champion, body, request.languages)


def what_if_model(request: Request) -> Response:
    """Show the effect of changes, or the smallest changes that reach a decision."""
    from scoreline.scoring.whatif import what_if  # 2 ms of imports that other routes do not need

    model = champions().get(request.path["model"]).model
    body, look_up = request.json_object(), online_features().look_up
    answer = what_if(model, body, request.languages, look_up)
    metrics.add_metric("WhatIfs", MetricUnit.Count, 1)
    return Response(answer)


def schema(request: Request) -> Response:
    """Show the JSON Schema of an application."""
    from scoreline.api.application_schema import application_schema  # a cold start needs none

    contract = champions().get(request.path["model"]).model.contract
    return Response(application_schema(contract), content_type="application/schema+json")


def health(_request: Request) -> Response:
    """Tell whether the default model answers, and no more: anyone may ask."""
    available = default_problem() is None
    answer: Health = {
        "status": "ok" if available else "unavailable",
        "model_loaded": available,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Response(answer, 200 if available else 503)


def status(_request: Request) -> Response:
    """List the loaded versions, and the problems that keep newer ones from serving."""
    unavailable = default_problem()
    loaded = sorted(champions().loaded().items())
    problems = [champions().routing_problem, *(champion.problem for _, champion in loaded)]
    degraded: Literal["ok", "degraded"] = "degraded" if any(problems) else "ok"
    answer: ServingStatus = {
        "status": "unavailable" if unavailable else degraded,
        "problem": unavailable or champions().routing_problem,
        "models": [
            {
                "model": model,
                "version": champion.ref.version,
                "sha256": champion.ref.sha256,
                "problem": champion.problem,
            }
            for model, champion in loaded
        ],
    }
    return Response(answer)


def default_problem() -> str | None:
    """Why the default model does not answer; None where it does."""
    try:
        champions().for_bank(None)
    except ScorelineError as error:
        return error.message
    return None


ROUTES = {
    ("POST", "/predict"): predict,
    ("POST", "/predict/batch"): predict_batch,
    ("POST", "/models/{model}/predict"): predict_model,
    ("POST", "/models/{model}/predict/batch"): predict_model_batch,
    ("POST", "/models/{model}/what-if"): what_if_model,
    ("GET", "/models/{model}/schema"): schema,
    ("GET", "/health"): health,
    ("GET", "/status"): status,
}


def routed(body: Body) -> LoadedChampion:
    """The champion that the request's `bank`, taken out of it, or the default is routed to."""
    bank = body.pop("bank", None)
    if bank is not None and bank not in champions().routing().banks:
        known_banks = sorted(champions().routing().banks)  # clients are not told the names
        logger.warning("no model is routed to a bank", known_banks=known_banks)
        metrics.add_metric("UnknownBank", MetricUnit.Count, 1)
    return champions().for_bank(bank)


@watched
def score_one(model: ScoringModel, body: Body, languages: Sequence[str]) -> Answer:
    """The answer for one application."""
    application, row, shown = online_features().applicant(model, body)
    [answer] = model.answer([(application, row)], languages)
    count_answers([answer])
    return cast("Answer", {**answer, **shown})


@watched
def score_many(model: ScoringModel, body: Body, languages: Sequence[str]) -> BatchResults:
    """An answer or an error for each of the body's applications, in their order."""
    from scoreline.scoring.batch_answers import answer_batch  # a single application needs none

    most = registry().settings.max_batch_items
    results = answer_batch(model, body["applications"], read_applicant, languages, most)
    count_answers([result for result in results if "error" not in result])
    return {"model": model.contract.model, "version": model.version, "results": results}


def count_answers(answers: Sequence[Mapping[str, Any]]) -> None:
    """Count answers, and in them the unseen categories and the unlearned states of features."""
    metrics.add_metric("Predictions", MetricUnit.Count, len(answers))
    unseen = sum([len(answer.get("unseen", ())) for answer in answers])
    if unseen:
        metrics.add_metric("UnseenCategories", MetricUnit.Count, unseen)
    unlearned = sum([len(answer.get("unlearned", ())) for answer in answers])
    if unlearned:
        metrics.add_metric("UnlearnedStates", MetricUnit.Count, unlearned)


def invoke(event: Any) -> Mapping[str, object]:
    """Answer a direct invocation.

    `{"model", "application"}` and `{"model", "applications"}` score (in place of `model` a `bank`,
    or neither for the default one; a `customer_id` beside the application where the model has
    online features); `{"verify": {"model", "version"}}` says whether a version may be promoted.
    """
    started = perf_counter()
    body = dict(direct_table(event).read(event, InvalidApplicationError))
    if "verify" in body:
        target = body["verify"]
        sha256 = verify(registry(), target["model"], target["version"])
        verification: Verification = {"verified": True, "sha256": sha256}
        return verification
    champion = champions().get(body.pop("model")) if "model" in body else routed(body)
    answer: Answer | BatchResults
    if "application" in body:
        if not champion.model.contract.pipeline:
            body = {**body.pop("application"), **body}
        answer = score_one(champion, body, ())
    else:
        answer = within_limit(score_many(champion, body, ()))
    return {**answer, "processing_time_ms": elapsed_ms(started)}


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: Any, context: LambdaContext) -> Mapping[str, object]:
    """Entry point for requests of the API and direct invocations."""
    if is_http(event):
        return dispatch(ROUTES, event)
    return answer_directly(partial(invoke, event))
