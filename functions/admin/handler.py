"""The admin function: models, versions, promotion and rollback, training jobs, configuration."""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from scoreline.api.http import Request, Response, dispatch, is_http
from scoreline.api.operations_requests import (
    PROMOTE,
    ROLLBACK,
    ROUTING,
    TRAIN,
    TRAIN_HEADERS,
    UPDATE_MODEL,
)
from scoreline.aws.ledger import Ledger
from scoreline.aws.predict_function import PredictFunction
from scoreline.aws.registry import MANIFEST_KEY, ModelRegistry
from scoreline.core.datasets import dataset_uri
from scoreline.core.errors import JobNotFoundError, ModelNotFoundError
from scoreline.core.log import logger
from scoreline.core.settings import Settings
from scoreline.core.versions import MODEL_PATTERN, REPORT_FILE, Routing
from scoreline.governance.automatic import promote_published
from scoreline.governance.catalogue import Catalogue
from scoreline.governance.entry import Entry
from scoreline.governance.promotion import Promotions
from scoreline.governance.routing import RoutingEntry, Routings
from scoreline.governance.watches import Watches
from scoreline.jobs.jobs import TrainingRequest
from scoreline.jobs.submission import Submissions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scoreline.api.answers import History, Models, Promotion, SubmittedJob, Versions, Watch
    from scoreline.api.json_schema import Schema

JOB_PATTERN = re.compile(r"[0-9a-f]{32}")


class Services:
    """What the routes work with; each service is connected at its first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.registry = ModelRegistry.connect(settings)

    @cached_property
    def ledger(self) -> Ledger[Entry]:
        """The ledger of promotions and rollbacks."""
        return Ledger.connect(self.settings, Entry)

    @cached_property
    def predict(self) -> PredictFunction:
        """The predict function, which loads versions."""
        return PredictFunction.connect(self.settings)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The read-only view of registry and ledger."""
        return Catalogue(self.registry, self.ledger)

    @cached_property
    def promotions(self) -> Promotions:
        """Promotions, verified by the predict function."""
        return Promotions(self.registry, self.ledger, self.predict.verify)

    @cached_property
    def watches(self) -> Watches:
        """The watches after promotions."""
        return Watches.connect(self.promotions)

    @cached_property
    def routings(self) -> Routings:
        """The routing and its changes, which are in the ledger's table too."""
        return Routings(self.registry, Ledger(self.ledger.table, RoutingEntry))

    @cached_property
    def submissions(self) -> Submissions:
        """The training jobs and their queue."""
        return Submissions.connect(self.settings)


@cache
def services() -> Services:
    """The services of this deployment."""
    return Services(Settings.from_env())


def config(_request: Request) -> Response:
    """What the deployment serves and where it keeps things."""
    return Response(services().catalogue.config())


def routing(_request: Request) -> Response:
    """Which model answers which bank, and who changed that."""
    return Response(services().routings.show())


def put_routing(request: Request) -> Response:
    """Let other models answer."""
    fields = ROUTING.read(request.json_object())
    head = services().routings.change(
        Routing(fields["default"], fields["banks"]),
        who=request.caller,
        reason=fields["reason"],
        expected=fields.get("expected"),
    )
    logger.info("routing", sequence=head["sequence"])
    return Response(head)


def update_model(request: Request) -> Response:
    """Promote a version of the default model, or of `model`."""
    fields = UPDATE_MODEL.read(request.json_object())
    model = fields.get("model") or services().registry.routing().default
    head = services().promotions.promote(
        model,
        fields["model_name"],
        who=request.caller,
        reason=fields.get("reason", "no reason given"),
        override=fields.get("override", False),
    )
    return promotion_response(model, head)


def models(_request: Request) -> Response:
    """All models."""
    answer: Models = {"models": services().catalogue.models()}
    return Response(answer)


def versions(request: Request) -> Response:
    """The versions of a model, newest first."""
    model = model_in(request)
    answer: Versions = {"model": model, "versions": services().catalogue.versions(model)}
    return Response(answer)


def report(request: Request) -> Response:
    """The report of a version."""
    html = services().registry.read(model_in(request), request.path["version"], REPORT_FILE)
    return Response(html.decode(), content_type="text/html; charset=utf-8")


def history(request: Request) -> Response:
    """Who promoted what, when and why; newest first."""
    model = model_in(request)
    answer: History = {"model": model, "history": services().catalogue.history(model)}
    return Response(answer)


def watch(request: Request) -> Response:
    """What is known of the champion that was promoted last, and whether it stayed."""
    model = model_in(request)
    answer: Watch = {"model": model, "watch": services().watches.show(model)}
    return Response(answer)


def promote(request: Request) -> Response:
    """Let a version be the champion."""
    model, fields = model_in(request), PROMOTE.read(request.json_object())
    head = services().promotions.promote(
        model,
        fields["version"],
        who=request.caller,
        reason=fields["reason"],
        expected=fields.get("expected"),
        override=fields.get("override", False),
    )
    return promotion_response(model, head)


def rollback(request: Request) -> Response:
    """Return to the champion before the present one."""
    model, fields = model_in(request), ROLLBACK.read(request.json_object())
    head = services().promotions.rollback(
        model, who=request.caller, reason=fields["reason"], expected=fields.get("expected")
    )
    return promotion_response(model, head)


def train(request: Request) -> Response:
    """Queue a training job; the same Idempotency-Key asks for the same job."""
    fields = TRAIN.read(request.json_object())
    model = fields.get("model") or services().registry.routing().default
    path = dataset_uri(fields["dataset_path"], services().settings.bucket)
    wanted = TrainingRequest(model, path, trained_by=request.caller)
    item = services().submissions.submit(wanted, cause_of(request))
    # relative to /train, so that it holds behind the stage's prefix too
    location = {"Location": f"train/{item['job']}"}
    answer: SubmittedJob = {"job": item["job"], "state": item["state"]}
    return Response(answer, 202, headers=location)


def train_job(request: Request) -> Response:
    """Where a training job stands."""
    job = request.path["job"]
    if not JOB_PATTERN.fullmatch(job):
        raise JobNotFoundError("no such job")
    return Response(services().submissions.jobs.get(job))


def openapi(_request: Request) -> Response:
    """The OpenAPI document of this deployment."""
    return Response(document())


def docs(_request: Request) -> Response:
    """The OpenAPI document as a page."""
    from functions.admin.docs import page

    return Response(page(document()), content_type="text/html; charset=utf-8")


def document() -> Schema:
    """The OpenAPI document of this deployment."""
    from scoreline.governance.api_document import api_document  # few requests need it

    return api_document(services().registry, services().predict)


ROUTES = {
    ("GET", "/config"): config,
    ("GET", "/routing"): routing,
    ("PUT", "/routing"): put_routing,
    ("POST", "/update_model"): update_model,
    ("GET", "/models"): models,
    ("GET", "/models/{model}/versions"): versions,
    ("GET", "/models/{model}/versions/{version}/report"): report,
    ("GET", "/models/{model}/history"): history,
    ("GET", "/models/{model}/watch"): watch,
    ("POST", "/models/{model}/promote"): promote,
    ("POST", "/models/{model}/rollback"): rollback,
    ("POST", "/train"): train,
    ("GET", "/train/{job}"): train_job,
    ("GET", "/openapi.json"): openapi,
    ("GET", "/docs"): docs,
}


def model_in(request: Request) -> str:
    """The model in the path."""
    model = request.path["model"]
    if not MODEL_PATTERN.fullmatch(model):
        raise ModelNotFoundError("no such model")
    return model


def cause_of(request: Request) -> str:
    """What makes two requests for training the same job: the caller's key, or else nothing."""
    key = TRAIN_HEADERS.read(request.headers).get("idempotency-key")
    return uuid4().hex if key is None else f"{request.caller} {key}"


def promotion_response(model: str, head: Entry) -> Response:
    """The answer to a promotion or rollback: the new champion and its entry in the ledger."""
    logger.info("champion", model=model, version=head.champion.version, sequence=head.sequence)
    answer: Promotion = {
        "model": model,
        "current_model": head.champion.version,
        **head.to_json(),
    }
    return Response(answer)


def react(event: Mapping[str, Any]) -> None:
    """What an event of EventBridge asks for; an error lets Lambda try again."""
    if event["detail-type"] == "Scheduled Event":
        services().watches.check()
        return
    match = MANIFEST_KEY.fullmatch(event["detail"]["object"]["key"])
    if match is not None:
        promote_published(services().promotions, match["model"], match["version"])


@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> Mapping[str, object] | None:
    """Entry point of the function: requests, and the events of EventBridge."""
    if is_http(event):
        return dispatch(ROUTES, event)
    react(event)
    return None
