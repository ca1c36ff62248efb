"""The admin function: models, versions, promotion and rollback, training jobs, configuration."""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from scoreline.api.http import Request, Response, dispatch, is_http
from scoreline.api.operations_requests import (
    DEFINE,
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
from scoreline.core.versions import REPORT_FILE, Routing, is_model_name
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

    from scoreline.api.json_schema import Schema
    from scoreline.api.operations_answers import (
        History,
        Models,
        NewDefinition,
        Promotion,
        SubmittedJob,
        Versions,
        Watch,
    )
    from scoreline.governance.definitions import Definitions

JOB_PATTERN = re.compile(r"[0-9a-f]{32}")


class Services:
    """The services that the routes use; each is connected at its first use."""

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
    def definitions(self) -> Definitions:
        """The definitions that models are trained by."""
        from scoreline.governance.definitions import Definitions  # imports pydantic

        return Definitions.of(self.registry, self.ledger.table)

    @cached_property
    def submissions(self) -> Submissions:
        """The training jobs and their queue."""
        return Submissions.connect(self.settings)


@cache
def services() -> Services:
    """The services of this deployment."""
    return Services(Settings.from_env())


def config(_request: Request) -> Response:
    """Show the bucket, the routing, and the champion of each model."""
    return Response(services().catalogue.config())


def routing(_request: Request) -> Response:
    """Show the model of each bank, and the latest changes."""
    return Response(services().routings.show())


def put_routing(request: Request) -> Response:
    """Replace the default model and the models of all banks."""
    fields = ROUTING.read(request.json_object())
    head = services().routings.change(
        Routing(fields["default"], fields["banks"]),
        who=request.caller,
        reason=fields["reason"],
        expected=fields.get("expected"),
    )
    logger.info("routing changed", sequence=head["sequence"])
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
    """List all models."""
    answer: Models = {"models": services().catalogue.models()}
    return Response(answer)


def versions(request: Request) -> Response:
    """List the versions of a model, the newest first."""
    model = model_in(request)
    answer: Versions = {"model": model, "versions": services().catalogue.versions(model)}
    return Response(answer)


def report(request: Request) -> Response:
    """Show the report of a version."""
    html = services().registry.read(model_in(request), request.path["version"], REPORT_FILE)
    return Response(html.decode(), content_type="text/html; charset=utf-8")


def history(request: Request) -> Response:
    """List the entries of a model's ledger, the newest first."""
    model = model_in(request)
    answer: History = {"model": model, "history": services().catalogue.history(model)}
    return Response(answer)


def watch(request: Request) -> Response:
    """Show the watch of the champion that was promoted last."""
    model = model_in(request)
    answer: Watch = {"model": model, "watch": services().watches.show(model)}
    return Response(answer)


def promote(request: Request) -> Response:
    """Make a version the champion."""
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
    """Return to the previous champion."""
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
    training = TrainingRequest(model, path, trained_by=request.caller)
    job = services().submissions.submit(training, cause_of(request))
    # A relative address also works behind the path of the stage.
    location = {"Location": f"train/{job['job']}"}
    answer: SubmittedJob = {"job": job["job"], "state": job["state"]}
    return Response(answer, 202, headers=location)


def train_job(request: Request) -> Response:
    """Show the state of a training job."""
    job = request.path["job"]
    if not JOB_PATTERN.fullmatch(job):
        raise JobNotFoundError("no such job")
    return Response(services().submissions.jobs.get(job))


def definition(request: Request) -> Response:
    """Show the definition that a model is trained by, and its registrations."""
    return Response(services().definitions.show(model_in(request)))


def put_definition(request: Request) -> Response:
    """Register the definition that a model is trained by from now on."""
    model, fields = model_in(request), DEFINE.read(request.json_object())
    head = services().definitions.register(
        model,
        fields["definition"],
        who=request.caller,
        reason=fields.get("reason", "no reason given"),
        expected=fields.get("expected"),
    )
    logger.info("definition registered", model=model, sequence=head.sequence)
    answer: NewDefinition = {"model": model, **head.to_item()}
    return Response(answer)


def openapi(_request: Request) -> Response:
    """Describe this deployment's routes and models as OpenAPI."""
    return Response(document())


def docs(_request: Request) -> Response:
    """Show the OpenAPI document as a page."""
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
    ("GET", "/models/{model}/definition"): definition,
    ("PUT", "/models/{model}/definition"): put_definition,
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
    if not is_model_name(model):
        raise ModelNotFoundError("no such model")
    return model


def cause_of(request: Request) -> str:
    """The cause of a training job: equal causes are one job, and without a key none are equal."""
    key = TRAIN_HEADERS.read(request.headers).get("idempotency-key")
    return uuid4().hex if key is None else f"{request.caller} {key}"


def promotion_response(model: str, head: Entry) -> Response:
    """Answer a promotion or a rollback with the new champion and its entry in the ledger."""
    version = head.champion.version
    logger.info("champion changed", model=model, version=version, sequence=head.sequence)
    answer: Promotion = {"model": model, "current_model": version, **head.to_json()}
    return Response(answer)


def react(event: Mapping[str, Any]) -> None:
    """Handle an event of EventBridge; after an error Lambda sends it again."""
    if event["detail-type"] == "Scheduled Event":
        services().watches.check()
        register_shipped()
        return
    match = MANIFEST_KEY.fullmatch(event["detail"]["object"]["key"])
    if match is not None:
        promote_published(services().promotions, match["model"], match["version"])


@cache
def register_shipped() -> None:
    """Register the definitions that ship, once in this process."""
    services().definitions.register_shipped()


@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> Mapping[str, object] | None:
    """Entry point for requests of the API and events of EventBridge."""
    if is_http(event):
        return dispatch(ROUTES, event)
    react(event)
    return None
