"""The routes of the REST API: callers, bodies and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from scoreline.api import operations_answers as operations
from scoreline.api import scoring_answers as scoring
from scoreline.api.fields import Table
from scoreline.api.operations_requests import (
    DEFINE,
    PROMOTE,
    ROLLBACK,
    ROUTING,
    TRAIN,
    TRAIN_HEADERS,
    UPDATE_MODEL,
)
from scoreline.api.scoring_requests import BATCH, ROUTED, ROUTED_BATCH, WHAT_IF

JSON = "application/json"
APPLICATION = Table(open=True)  # the fields are the model's own
DecisionChange = scoring.Comparison | scoring.Proposals


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    Attributes
    ----------
    name : of the operation, as clients call it
    summary : its purpose in a sentence
    function : the Lambda function that answers
    auth : proof of the caller's identity: an API key, an AWS signature, or none
    answer, unavailable : type of the answer, and of the answer with status 503 if it is no error
    body, headers : tables of the request's parts besides the path
    """

    name: str
    summary: str
    function: Literal["predict", "admin"]
    auth: Literal["api-key", "iam", "open"]
    answer: Any
    body: Table | None = None
    headers: Table | None = None
    status: int = 200
    content_type: str = JSON
    unavailable: Any = None


def _scoring(name: str, summary: str, answer: Any, body: Table | None = None) -> Route:
    return Route(name, summary, "predict", "api-key", answer, body)


def _operations(name: str, summary: str, answer: Any, body: Table | None = None) -> Route:
    return Route(name, summary, "admin", "iam", answer, body)


ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/predict"): _scoring(
        "predict",
        "Score an application for the default model or a bank",
        scoring.Answer,
        ROUTED,
    ),
    ("POST", "/predict/batch"): _scoring(
        "predict_batch",
        "Score many applications for the default model or a bank",
        scoring.BatchAnswer,
        ROUTED_BATCH,
    ),
    ("POST", "/models/{model}/predict"): _scoring(
        "predict_model", "Score an application", scoring.Answer, APPLICATION
    ),
    ("POST", "/models/{model}/predict/batch"): _scoring(
        "predict_model_batch", "Score many applications", scoring.BatchAnswer, BATCH
    ),
    ("POST", "/models/{model}/what-if"): _scoring(
        "what_if",
        "Show the effect of changes, or the smallest changes that reach a decision",
        DecisionChange,
        WHAT_IF,
    ),
    ("GET", "/models/{model}/schema"): Route(
        "schema",
        "Get the JSON Schema of an application",
        "predict",
        "api-key",
        dict[str, Any],
        content_type="application/schema+json",
    ),
    ("GET", "/health"): Route(
        "health",
        "Ask whether the default model answers",
        "predict",
        "open",
        operations.Health,
        unavailable=operations.Health,
    ),
    ("GET", "/status"): Route(
        "status",
        "List the loaded versions and the problems of serving",
        "predict",
        "iam",
        operations.ServingStatus,
    ),
    ("GET", "/config"): _operations(
        "config", "Show the bucket, the routing and the champions", operations.Config
    ),
    ("GET", "/routing"): _operations(
        "routing", "Show the model of each bank", operations.RoutingState
    ),
    ("PUT", "/routing"): _operations(
        "put_routing", "Change the models of the banks", operations.RoutingChange, ROUTING
    ),
    ("POST", "/update_model"): _operations(
        "update_model",
        "Promote a version of the default model",
        operations.Promotion,
        UPDATE_MODEL,
    ),
    ("GET", "/models"): _operations("models", "List all models", operations.Models),
    ("GET", "/models/{model}/versions"): _operations(
        "versions", "List the versions of a model", operations.Versions
    ),
    ("GET", "/models/{model}/definition"): _operations(
        "definition",
        "Get the definition that a model is trained by",
        operations.RegisteredDefinition,
    ),
    ("PUT", "/models/{model}/definition"): _operations(
        "put_definition", "Register a definition", operations.NewDefinition, DEFINE
    ),
    ("GET", "/models/{model}/versions/{version}/report"): Route(
        "report", "Get the report of a version", "admin", "iam", str, content_type="text/html"
    ),
    ("GET", "/models/{model}/history"): _operations(
        "history", "List the promotions and rollbacks of a model", operations.History
    ),
    ("GET", "/models/{model}/watch"): _operations(
        "watch", "Show the watch of the champion that was promoted last", operations.Watch
    ),
    ("POST", "/models/{model}/promote"): _operations(
        "promote", "Make a version the champion", operations.Promotion, PROMOTE
    ),
    ("POST", "/models/{model}/rollback"): _operations(
        "rollback", "Return to the previous champion", operations.Promotion, ROLLBACK
    ),
    ("POST", "/train"): Route(
        "train",
        "Queue a training job",
        "admin",
        "iam",
        operations.SubmittedJob,
        TRAIN,
        TRAIN_HEADERS,
        202,
    ),
    ("GET", "/train/{job}"): _operations(
        "train_job", "Show the state of a training job", operations.TrainingJob
    ),
    ("GET", "/openapi.json"): _operations(
        "openapi", "Get the OpenAPI document of this deployment", dict[str, Any]
    ),
    ("GET", "/docs"): Route(
        "docs",
        "Show the OpenAPI document as a page",
        "admin",
        "iam",
        str,
        content_type="text/html",
    ),
}
