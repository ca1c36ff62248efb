"""The types of all answers, from which their JSON Schemas are made.

Functions name these types in their signatures only, so that a cold start does not load them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from scoreline.core.errors import MAX_NAME
from scoreline.core.versions import MODEL_PATTERN, VERSION_PATTERN

# Annotations hold what a Python type cannot express, as keywords of JSON Schema.
Model = Annotated[
    str,
    {
        "pattern": f"^{MODEL_PATTERN.pattern}$",
        "maxLength": MAX_NAME,
        "examples": ["loan-risk"],
    },
]
Version = Annotated[
    str, {"pattern": f"^{VERSION_PATTERN.pattern}$", "examples": ["20261121T004512Z-3fa9c1d2"]}
]
Time = Annotated[str, {"format": "date-time"}]
Probability = Annotated[float, {"minimum": 0, "maximum": 1}]
Points = Annotated[int, {"description": "Points; higher is safer"}]
Sequence = Annotated[int, {"minimum": 0, "description": "Number of a change"}]
Status = Annotated[
    Literal["candidate", "rejected"],
    {"description": "Whether the version passed its gates; a rejected one needs an override"},
]
Outcome = Literal[
    "already reached",
    "found",
    "none within the ranges",
    "none found, the search is not complete",
]
Banks = Annotated[dict[str, Model], {"examples": [{"north-bank": "credit-card"}]}]


class BrokenField(TypedDict):
    """A field of a request and the rule that it breaks; the value is never repeated."""

    field: str
    rule: str


class Problem(TypedDict):
    """The reason why a request has no answer, with all broken fields."""

    code: str
    message: str
    fields: list[BrokenField]


class ErrorAnswer(TypedDict):
    """The answer to a request that cannot be answered."""

    error: Problem


# Scoring


class LookedUpFeatures(TypedDict):
    """The part of a customer's history that the score has used."""

    customer_id: str | None
    found: list[str]
    as_of: Time | None
    age_days: float | None


class HistoryPart(TypedDict):
    """The part of an answer about a customer's history; few models have online features."""

    features: NotRequired[LookedUpFeatures]


class Reason(TypedDict):
    """A principal reason for a decline, or what lowered the score of an approved applicant."""

    code: str
    feature: str
    points: Annotated[int, {"description": "Points lost against the reference group"}]
    text: Annotated[str, {"description": "In the language of Accept-Language"}]
    kind: Literal["adverse", "held_back"]


class Probabilities(TypedDict):
    """The probability of each class."""

    low_risk: Probability
    high_risk: Probability


class CreditDecision(TypedDict):
    """The decision of a model of the probability of default."""

    probability_of_default: Probability
    probabilities: Probabilities
    score: Points
    risk_score: Annotated[float, {"minimum": 0, "maximum": 100}]
    risk_level: str
    decision: Literal["approve", "refer", "decline"]
    reasons: list[Reason]


class RecommendedProduct(TypedDict):
    """A product and the probability that the customer takes it."""

    product: str
    description: str
    probability: Probability


class RecommendedProducts(TypedDict):
    """The recommendation of a model of the products that customers take."""

    recommendations: Annotated[
        list[RecommendedProduct],
        {"description": "The likeliest products that the customer does not hold, the best first"},
    ]


class Scored(HistoryPart):
    """The part that every answer has: its application and the version that answered."""

    id: str
    model: Model
    version: Version
    unseen: NotRequired[
        Annotated[
            list[str],
            {"description": "Fields with a category that the model accepts but does not list"},
        ]
    ]
    processing_time_ms: NotRequired[
        Annotated[float, {"description": "A batch has one for all its applications"}]
    ]


class CreditAnswer(Scored, CreditDecision):
    """The decision on an application, its score and the reasons."""


class RecommendationAnswer(Scored, RecommendedProducts):
    """The products that are recommended to a customer."""


Answer = CreditAnswer | RecommendationAnswer


class Refusal(ErrorAnswer):
    """The error of an application in a batch that breaks the model's contract."""

    id: NotRequired[str]


class BatchResults(TypedDict):
    """An answer or an error for each application."""

    model: Model
    version: Version
    results: list[CreditAnswer | RecommendationAnswer | Refusal]


class BatchAnswer(BatchResults):
    """An answer or an error for each application, in their order."""

    processing_time_ms: float


class Difference(TypedDict):
    """The figures after a change minus those before."""

    probability_of_default: float
    score: int
    risk_score: float


class ChangedAnswer(TypedDict):
    """The answer to a changed application."""

    after: CreditAnswer
    difference: Difference


class Unchanged(HistoryPart):
    """The answer to an application as it was sent."""

    model: Model
    version: Version
    before: CreditAnswer


class Comparison(Unchanged, ChangedAnswer):
    """The decision on an application before and after a change."""


ChangedField = TypedDict("ChangedField", {"field": str, "from": Any, "to": Any})
ChangedField.__doc__ = "A field of an application, its value and the proposed one."


class Proposal(ChangedAnswer):
    """A change that reaches the decision."""

    changes: Annotated[list[ChangedField], {"minItems": 1, "maxItems": 3}]
    steps: int


class SearchEffort(TypedDict):
    """The extent of the search for proposals."""

    scored: Annotated[int, {"description": "Candidates that were scored"}]
    complete: Annotated[
        bool, {"description": "No change of at most max_fields fields is smaller than these"}
    ]
    max_fields: int
    max_steps: Annotated[int, {"description": "Steps of one field"}]


class Found(TypedDict):
    """The result of a search for proposals."""

    outcome: Outcome
    proposals: Annotated[list[Proposal], {"maxItems": 3}]
    search: SearchEffort


class Proposals(Unchanged, Found):
    """The smallest changes that reach a decision."""

    target: Literal["approve", "refer"]


# Operations


class Verification(TypedDict):
    """The answer to admin's question whether a version may be promoted."""

    verified: Literal[True]
    sha256: str


class Health(TypedDict):
    """Whether the default model answers."""

    status: Literal["ok", "unavailable"]
    model_loaded: bool
    timestamp: Time


class LoadedModel(TypedDict):
    """A version in memory, and the problem that keeps a newer one from serving."""

    model: Model
    version: Version
    sha256: str
    problem: str | None


class ServingStatus(TypedDict):
    """The loaded versions, and the problems that keep newer ones from serving."""

    status: Literal["ok", "degraded", "unavailable"]
    problem: str | None
    models: list[LoadedModel]


class VersionRef(TypedDict):
    """A version and the digest of its model.onnx."""

    version: Version
    sha256: str


class PromotionWatch(TypedDict):
    """The watch of a promotion as the pointer names it."""

    entry: int
    until: Time
    shadow: VersionRef


class Dataset(TypedDict):
    """The dataset that a version was trained on."""

    path: str | None
    generated: Annotated[bool, {"description": "Whether the data is invented"}]


class ServingModel(TypedDict):
    """The champion of a model, and whether the ledger names the same."""

    champion: VersionRef | None
    challenger: dict[str, Any] | None
    watch: PromotionWatch | None
    ledger_champion: Version | None
    differs_from_ledger: bool
    dataset: Dataset | None


class CurrentModel(TypedDict):
    """The champion of the default model; null where nothing serves."""

    current_model: Version | None
    model_dir: str | None
    dataset_path: str | None


class Config(CurrentModel):
    """The deployment's bucket, routing and models."""

    stage: str
    bucket: str
    default_model: Model | None
    banks: dict[str, Model]
    models: dict[str, ServingModel]


class ListedModel(TypedDict):
    """A model with its champion and its versions."""

    model: Model
    champion: Version | None
    latest_version: Version | None
    versions: int


class Models(TypedDict):
    """Every model that is published or served."""

    models: list[ListedModel]


class ListedVersion(TypedDict):
    """A published version."""

    version: Version
    trained_at: Time | None
    algorithm: Any
    metrics: Any
    status: Status | None
    champion: bool


class Versions(TypedDict):
    """The published versions of a model, the newest first."""

    model: Model
    versions: list[ListedVersion]


_FromTo = TypedDict("_FromTo", {"from": Version | None, "to": Version})


class LedgerEntry(_FromTo):
    """A promotion, a rollback, or the confirmation that ends a watch."""

    sequence: int
    action: Literal["promote", "rollback", "confirm"]
    who: str
    reason: str
    at: Time
    override: Annotated[
        list[str],
        {"description": "Gates that the version had not passed; `approval` by another person"},
    ]


class History(TypedDict):
    """The ledger of a model, the newest entry first."""

    model: Model
    history: list[LedgerEntry]


class Promotion(LedgerEntry):
    """The new champion and its entry in the ledger."""

    model: Model
    current_model: Version


class WatchLimits(TypedDict):
    """The limits that a definition sets for a new champion."""

    minutes: float
    max_error_rate: float
    max_score_drift: float
    min_decisions: int


class WatchFigures(TypedDict):
    """The counts since the promotion and the figures from them."""

    decisions: int
    errors: Annotated[int, {"description": "Applications that only the shadow could answer"}]
    error_rate: float | None
    compared: int
    mean_difference: Annotated[
        float | None, {"description": "Points of the champion minus the shadow's"}
    ]
    difference_sd: float | None
    score_drift: Annotated[float | None, {"description": "Population stability index"}]


class WatchState(TypedDict):
    """The watch of the champion that was promoted last."""

    version: Version
    shadow: Annotated[Version, {"description": "The champion before, as a comparison"}]
    since: Time
    until: Time
    state: Literal["open", "confirmed", "rolled back", "replaced"]
    limits: WatchLimits
    figures: WatchFigures


class Watch(TypedDict):
    """The latest watch of a model; null where there has been none."""

    model: Model
    watch: WatchState | None


class Routes(TypedDict):
    """The default model, and the model of each bank."""

    default: Model
    banks: Banks


_FromToRoutes = TypedDict("_FromToRoutes", {"from": Routes | None, "to": Routes})


class RoutingChange(_FromToRoutes):
    """A change of the routing."""

    sequence: Sequence
    action: Literal["route"]
    who: str
    reason: str
    at: Time


class RoutingState(TypedDict):
    """The model of each bank, and the latest changes."""

    default: Model | None
    banks: Banks
    sequence: Sequence
    differs_from_ledger: bool
    history: list[RoutingChange]


class SubmittedJob(TypedDict):
    """A training job that was submitted."""

    job: str
    state: str


class TrainingJob(TypedDict):
    """A training job, and once it has ended its version or the reason for its failure."""

    job: str
    model: str
    dataset_path: str
    trained_by: NotRequired[
        Annotated[str, {"description": "Who asked for it and may not approve the version"}]
    ]
    state: Literal["queued", "running", "succeeded", "failed", "superseded"]
    queued_at: Time
    started_at: NotRequired[Time]
    ended_at: NotRequired[Time]
    model_name: NotRequired[Version]
    score: NotRequired[
        Annotated[float, {"description": "AUC on the test rows; MAP@k of a recommendation"}]
    ]
    status: NotRequired[Status]
    reason: NotRequired[str]


class TrainedVersion(TypedDict):
    """The answer of the train function to a direct invocation."""

    score: float
    model_name: Version
    status: str
