"""The predict function: scores applications over HTTP and by direct invocation."""

from __future__ import annotations

from functools import cache, partial, wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from scoreline.api.application_schema import application_schema
from scoreline.api.fields import MODEL, TEXT, read_fields
from scoreline.api.http import Request, Response, dispatch, is_http
from scoreline.aws.light.client import Aws
from scoreline.aws.reader import ModelReader
from scoreline.core.errors import (
    FieldError,
    InvalidApplicationError,
    ScorelineError,
)
from scoreline.core.log import log_unexpected, logger
from scoreline.core.settings import Settings
from scoreline.scoring.application import is_identifier
from scoreline.scoring.online import OnlineFeatures
from scoreline.serving.champions import Champions
from scoreline.serving.verification import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scoreline.api.http import Route
    from scoreline.core.versions import Watch
    from scoreline.scoring.model import EncodedApplication, ScoringModel
    from scoreline.serving.champions import Champion
    from scoreline.serving.watch import Watching

    type Score = Callable[[ScoringModel, dict[str, Any], Sequence[str]], dict[str, Any]]

WATCH_TIMEOUT_S = 0.5  # a count that is lost is better than an answer that is late
metrics = Metrics(namespace="Scoreline", service="predict")


@cache
def aws() -> Aws:
    """AWS, as the environment says."""
    return Aws.connect()


@cache
def registry() -> ModelReader:
    """The registry of this deployment."""
    return ModelReader(Settings.from_env(), aws())


@cache
def champions() -> Champions:
    """The champions of this deployment."""
    return Champions(registry(), on_problem=report_problem, start_watch=start_watch)


@cache
def online_features() -> OnlineFeatures:
    """The online features of this deployment's customers."""
    return OnlineFeatures(Settings.from_env().features_table, aws().get_item)


def report_problem(model: str | None, problem: str) -> None:
    """Log and count that the pointer of a model, or for None the routing, is not followed."""
    logger.warning("serving is degraded", model=model, problem=problem)
    metrics.add_metric("StaleChampion" if model else "StaleRouting", MetricUnit.Count, 1)


def start_watch(watch: Watch, model: ScoringModel, before: Champion | None) -> Watching:
    """Watch a new champion beside the one before it."""
    from scoreline.serving.watch import Watching, load_shadow  # few processes see a promotion

    table, hasty = registry().settings.watches_table, Aws.connect(timeout_s=WATCH_TIMEOUT_S)
    shadow = load_shadow(registry(), model.contract.model, watch, before)
    return Watching(watch, model, shadow, encode=encode, add=partial(hasty.add, table))


def encode(model: ScoringModel, body: Mapping[str, Any]) -> EncodedApplication:
    """The application of a request and its row, the customer's features looked up."""
    return online_features().applicant(model, body).encoded


def watched(score: Score) -> Score:
    """Let the watch of a new champion see what `score` answers or raises."""

    @wraps(score)
    def observed(
        model: ScoringModel, body: dict[str, Any], languages: Sequence[str]
    ) -> dict[str, Any]:
        watching = champions().watching(model.contract.model)
        if watching is None:
            return score(model, body, languages)
        return watching.observe(partial(score, model, body, languages), body)

    return observed


def scoring(score: Callable[[Request], dict[str, Any]]) -> Route:
    """A route whose answer says how long it took, the loading of a model included."""

    @wraps(score)
    def route(request: Request) -> Response:
        started = perf_counter()
        return Response({**score(request), **took(started)})

    return route


def took(started: float) -> dict[str, float]:
    """What an answer says of the time since `started`."""
    return {"processing_time_ms": round(1000 * (perf_counter() - started), 3)}


@scoring
def predict(request: Request) -> dict[str, Any]:
    """One application for the default model, or for the model of its `bank`."""
    application = request.json_object()
    return score_one(routed(application), application, request.languages)


@scoring
def predict_batch(request: Request) -> dict[str, Any]:
    """Many applications for the default model, or for the model of the request's `bank`."""
    body = request.json_object()
    return score_many(routed(body), body, request.languages)


@scoring
def predict_model(request: Request) -> dict[str, Any]:
    """One application for the model in the path."""
    model = champions().get(request.path["model"])
    return score_one(model, request.json_object(), request.languages)


@scoring
def predict_model_batch(request: Request) -> dict[str, Any]:
    """Many applications for the model in the path."""
    model = champions().get(request.path["model"])
    return score_many(model, request.json_object(), request.languages)


def what_if_model(request: Request) -> Response:
    """What changes of an application would do, or which would reach a decision."""
    from scoreline.scoring.whatif import what_if  # what only what-ifs need takes 2 ms

    model = champions().get(request.path["model"])
    body, look_up = request.json_object(), online_features().look_up
    answer = what_if(model, body, request.languages, look_up)
    metrics.add_metric("WhatIfs", MetricUnit.Count, 1)
    return Response(answer)


def schema(request: Request) -> Response:
    """JSON Schema of the champion's input."""
    contract = champions().get(request.path["model"]).contract
    return Response(application_schema(contract), content_type="application/schema+json")


def health(_request: Request) -> Response:
    """Whether the default model answers, and what each loaded model is."""
    try:
        champions().get(champions().routing().default)
    except ScorelineError as error:
        return Response({"status": "unavailable", "problem": error.message, "models": []}, 503)
    models = [
        {"model": model, "version": champion.ref.version, "problem": champion.problem}
        for model, champion in sorted(champions().loaded().items())
    ]
    problem = champions().routing_problem
    degraded = problem or any(model["problem"] for model in models)
    body = {"status": "degraded" if degraded else "ok", "models": models}
    return Response({**body, "problem": problem} if problem else body)


ROUTES = {
    ("POST", "/predict"): predict,
    ("POST", "/predict/batch"): predict_batch,
    ("POST", "/models/{model}/predict"): predict_model,
    ("POST", "/models/{model}/predict/batch"): predict_model_batch,
    ("POST", "/models/{model}/what-if"): what_if_model,
    ("GET", "/models/{model}/schema"): schema,
    ("GET", "/health"): health,
}


def routed(body: dict[str, Any]) -> ScoringModel:
    """The champion that the request's `bank`, taken out of it, or the default is routed to."""
    bank = body.pop("bank", None)
    if bank is not None and not isinstance(bank, str):
        raise InvalidApplicationError("the request breaks the contract", (_BANK_RULE,))
    routing = champions().routing()
    if bank is not None and bank not in routing.banks:  # the client is not told the names
        logger.warning("no model is routed to a bank", known_banks=sorted(routing.banks))
        metrics.add_metric("UnknownBank", MetricUnit.Count, 1)
    return champions().get(routing.model_for(bank))


@watched
def score_one(
    model: ScoringModel, body: dict[str, Any], languages: Sequence[str]
) -> dict[str, Any]:
    """The answer for one application."""
    applicant = online_features().applicant(model, body)
    [answer] = model.answer([applicant.encoded], languages)
    metrics.add_metric("Predictions", MetricUnit.Count, 1)
    return {**answer, **applicant.features}


@watched
def score_many(
    model: ScoringModel, body: dict[str, Any], languages: Sequence[str]
) -> dict[str, Any]:
    """An answer or an error for each of the body's applications, in their order."""
    results: list[dict[str, Any]] = []  # an error, or what the answer says besides the scores
    encoded = []
    for item in _applications(body):
        try:
            if not isinstance(item, dict):
                raise InvalidApplicationError("the application is not a JSON object")
            applicant = online_features().applicant(model, item)
            encoded.append(applicant.encoded)
            results.append({**applicant.features})
        except InvalidApplicationError as error:
            results.append({**_identified(model, item), **error.to_json()})
    answers = iter(model.answer(encoded, languages) if encoded else [])
    metrics.add_metric("Predictions", MetricUnit.Count, len(encoded))
    return {
        "model": model.contract.model,
        "version": model.version,
        "results": [r if "error" in r else {**next(answers), **r} for r in results],
    }


def _applications(body: dict[str, Any]) -> list[Any]:
    broken = [
        FieldError(name[:64], "is not a field of this request")
        for name in body
        if name != "applications"
    ]
    items = body.get("applications")
    if not isinstance(items, list) or not items:
        broken.append(FieldError("applications", "must be a list of at least one application"))
    if broken:
        raise InvalidApplicationError("the request breaks the contract", tuple(broken))
    assert isinstance(items, list)  # noqa: S101
    return items


def _identified(model: ScoringModel, item: Any) -> dict[str, Any]:
    """The item's id, unless it is itself what breaks a rule."""
    if model.contract.pipeline and isinstance(item, dict):
        item = item.get("application")
    identifier = item.get("id") if isinstance(item, dict) else None
    return {"id": identifier} if is_identifier(identifier) else {}


VERIFY_FIELDS = {"model": MODEL, "version": TEXT}
_BANK_RULE = FieldError("bank", "must be a string")


def invoke(event: dict[str, Any]) -> dict[str, Any]:
    """Answer a direct invocation.

    `{"model", "application"}` and `{"model", "applications"}` score (in place of `model` a `bank`,
    or neither for the default one; a `customer_id` beside the application where the model has
    online features); `{"verify": {"model", "version"}}` says whether a version may be promoted.
    """
    started = perf_counter()
    broken = tuple(_broken_rules(event))
    if broken:
        raise InvalidApplicationError("the request breaks the contract", broken)
    if "verify" in event:
        target = read_fields(event["verify"], VERIFY_FIELDS)
        sha256 = verify(registry(), target["model"], target["version"])
        return {"verified": True, "sha256": sha256}
    body = dict(event)
    model = champions().get(body.pop("model")) if "model" in body else routed(body)
    if "application" in body:
        if not model.contract.pipeline:
            body = {**body.pop("application"), **body}
        return {**score_one(model, body, ()), **took(started)}
    return {**score_many(model, body, ()), **took(started)}


def _broken_rules(event: dict[str, Any]) -> Iterator[FieldError]:
    """What is wrong with a direct invocation, apart from the applications themselves."""
    asked = [name for name in ("application", "applications", "verify") if name in event]
    if len(asked) != 1:
        yield FieldError("application", "or applications or verify is required, and only one")
    allowed = {"verify"} if asked == ["verify"] else {"model", "bank", *asked}
    if asked == ["application"]:
        allowed.add("customer_id")
    for name in event:
        if name not in allowed:
            yield FieldError(name[:64], "is not a field of this request")
    if not isinstance(event.get("model", ""), str):
        yield FieldError("model", "must be a string")
    if "model" in event and "bank" in event:
        yield FieldError("bank", "is for requests without a model")
    for name in ("application", "verify"):
        if not isinstance(event.get(name, {}), dict):
            yield FieldError(name, "must be an object")


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point of the function."""
    if is_http(event):
        return dispatch(ROUTES, event)
    try:
        return invoke(event)
    except ScorelineError as error:
        return error.to_json()
    except Exception as error:  # the door, as in dispatch
        log_unexpected(error)
        return ScorelineError("internal error").to_json()
